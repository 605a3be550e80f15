from __future__ import annotations

import pytest

from dragoman.reasons import GatewayError, Reason
from gateway_core.passthrough.forwarding import proxy_url

OPENAI = "https://api.openai.com/v1"
GROQ = "https://api.groq.com/openai/v1"
GOOGLE = "https://generativelanguage.googleapis.com/v1beta"


@pytest.mark.parametrize(
    ("base", "path", "url"),
    [
        (OPENAI, "chat/completions", "https://api.openai.com/v1/chat/completions"),
        (OPENAI, "v1/chat/completions", "https://api.openai.com/v1/chat/completions"),
        (OPENAI, "/v1/models", "https://api.openai.com/v1/models"),
        (OPENAI, "v1", "https://api.openai.com/v1"),
        (OPENAI, "", "https://api.openai.com/v1"),
        (OPENAI, "models/", "https://api.openai.com/v1/models/"),
        (GROQ, "models", "https://api.groq.com/openai/v1/models"),
        (GROQ, "v1/models", "https://api.groq.com/openai/v1/models"),
        (GROQ, "openai/v1/models", "https://api.groq.com/openai/v1/models"),
        (GOOGLE, "models/m:generateContent", f"{GOOGLE}/models/m:generateContent"),
        (GOOGLE, "v1beta/models", f"{GOOGLE}/models"),
        (GOOGLE, "v1alpha/models", "https://generativelanguage.googleapis.com/v1alpha/models"),
        ("https://api.cohere.ai", "v2/chat", "https://api.cohere.ai/v2/chat"),
        ("http://10.0.0.5:8000", "", "http://10.0.0.5:8000"),
        ("http://10.0.0.5:8000/a/v1", "files/v2", "http://10.0.0.5:8000/a/v1/files/v2"),
        ("demo://demo", "v1/models", "demo://demo/v1/models"),
        # It is percent-encoded as the client wrote it, sense or nonsense.
        (OPENAI, "models/a%2Fb%2fc%zz;v=1,2@:~'()*!$&+=", f"{OPENAI}/models/a%2Fb%2fc%zz;v=1,2@:~'()*!$&+="),
        (OPENAI, "files/..a/.b/c..", f"{OPENAI}/files/..a/.b/c.."),
        (OPENAI, "a%20b/%C3%BC%00", f"{OPENAI}/a%20b/%C3%BC%00"),
        # What looks like another host is a segment like any other.
        (OPENAI, "http:evil.example", f"{OPENAI}/http:evil.example"),
        (OPENAI, "@evil.example/x", f"{OPENAI}/@evil.example/x"),
        ("https://api.deepseek.com", ".evil.example", "https://api.deepseek.com/.evil.example"),
        ("https://api.deepseek.com", "@evil.example", "https://api.deepseek.com/@evil.example"),
    ],
)
def test_where_a_path_leads(base: str, path: str, url: str) -> None:
    assert proxy_url(base, path, "") == url


@pytest.mark.parametrize(
    "path",
    [
        "..",
        "../v2",
        "a/../b",
        "a/..",
        "./a",
        "a/.",
        "%2e%2e/a",
        "%2E./a",
        ".%2e",
        "a/%2e%2e%2fb",
        "a%2f..%2fb",
        "%252e%252e/a",
        "a%5c..%5cb",
        "..;/a",
        "%2e%2e;x=1/a",
        "a\\..\\b",
        "a\\b",
        "//evil.example/a",
        "a//b",
        "https://evil.example/a",
        "a?b=c",
        "a#b",
        "a b",
        "a\r\nHost: evil.example",
        "a\tb",
        "a\x00",
        "\u00fc",
        "\u2028",
        "\ud800",
    ],
)
def test_a_path_that_leads_elsewhere(path: str) -> None:
    with pytest.raises(GatewayError) as caught:
        proxy_url(OPENAI, path, "")
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_REQUEST, "path")
    assert caught.value.message.startswith("path: ")


@pytest.mark.parametrize(
    ("query", "sent"),
    [
        ("", ""),
        ("a=1&b=%2F+%20&a=2&flag&=x&&", "?a=1&b=%2F+%20&a=2&flag&=x&&"),
        ("alt=sse", "?alt=sse"),
        ("key=secret", ""),
        ("key", ""),
        ("alt=sse&key=secret&a=b", "?alt=sse&a=b"),
        ("key=secret&key=other&a", "?a"),
        ("KEY=secret&%6bey=secret&k%65y=s&a=key", "?a=key"),
        ("keys=1&api-key=2&monkey=3", "?keys=1&api-key=2&monkey=3"),
        ("a=1?b", "?a=1?b"),
    ],
)
def test_a_query_goes_on_without_the_gateways_key(query: str, sent: str) -> None:
    assert proxy_url(OPENAI, "models", query) == f"{OPENAI}/models{sent}"


def test_a_key_where_the_operator_lets_it_stand() -> None:
    assert proxy_url(OPENAI, "models", "Token=secret&a=b&key=c", ["token"]) == f"{OPENAI}/models?a=b"


@pytest.mark.parametrize("query", ["a b", "a#b", "a\r\nX: y", "\u00fc=1", "a=\x7f"])
def test_a_query_that_no_request_line_can_hold(query: str) -> None:
    with pytest.raises(GatewayError) as caught:
        proxy_url(OPENAI, "models", query)
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_REQUEST, "query")
