from __future__ import annotations

from collections.abc import Mapping

import pytest

from dragoman.metadata import KEY_NAMES
from dragoman.reasons import GatewayError, Reason
from dragoman.v1.proxy_pb2 import HttpHeader
from gateway_core.passthrough.forwarding import headers_to_return, headers_to_send
from gateway_core.providers.registry import DIALECTS
from gateway_dialects.kit.dialect import Endpoint, Quirks, Secret

KEY = "sk-of-the-provider"
PLAIN = Endpoint("p", "openai", "http://p", (Secret(KEY), Secret("second")))
KEY_HEADERS = {
    "openai": ("authorization", f"Bearer {KEY}"),
    "openai-responses": ("authorization", f"Bearer {KEY}"),
    "openai-completions": ("authorization", f"Bearer {KEY}"),
    "mistral": ("authorization", f"Bearer {KEY}"),
    "cohere": ("authorization", f"Bearer {KEY}"),
    "anthropic": ("x-api-key", KEY),
    "azure": ("api-key", KEY),
    "gemini": ("x-goog-api-key", KEY),
}


def sent(*given: tuple[str, str], endpoint: Endpoint = PLAIN, key_headers: tuple[str, ...] = ()) -> Mapping[str, str]:
    own = DIALECTS[endpoint.dialect].headers(endpoint)
    return headers_to_send([HttpHeader(name=name, value=value) for name, value in given], endpoint, own, key_headers)


def told(*received: tuple[str, str], endpoint: Endpoint = PLAIN) -> list[tuple[str, str]]:
    return [(header.name, header.value) for header in headers_to_return(received, endpoint)]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_providers_key_takes_the_place_of_the_gateways(dialect: str) -> None:
    endpoint = Endpoint("p", dialect, "http://p", (Secret(KEY), Secret("second")))
    headers = sent(*((name.title(), "Bearer gateway") for name in KEY_NAMES), endpoint=endpoint)
    name, value = KEY_HEADERS[dialect]
    assert {found: headers[found] for found in KEY_NAMES if found in headers} == {name: value}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_key_of_the_gateway_goes_to_a_provider_without_one(dialect: str) -> None:
    headers = sent(*((name, "gateway") for name in KEY_NAMES), endpoint=Endpoint("p", dialect, "http://p"))
    assert set(KEY_NAMES).isdisjoint(headers)


KEPT = [
    ("content-type", "multipart/form-data; boundary=x"),
    ("accept", "text/event-stream"),
    ("anthropic-version", "2024-01-01"),
    ("anthropic-beta", "files-api-2025-04-14"),
    ("openai-beta", "assistants=v2"),
    ("openai-organization", "org"),
    ("user-agent", "OpenAI/Python 1.0"),
    ("content-encoding", "gzip"),
    ("idempotency-key", "7"),
    ("x-stainless-lang", "python"),
    ("range", "bytes=0-5"),
    ("if-none-match", '"x"'),
    ("traceparent", "00-1-2-03"),
    ("empty", ""),
]


@pytest.mark.parametrize("dialect", ["openai", "anthropic", "gemini"])
def test_the_clients_own_headers_go_on(dialect: str) -> None:
    headers = sent(*KEPT, endpoint=Endpoint("p", dialect, "http://p", (Secret(KEY),)))
    assert dict(KEPT).items() <= headers.items()


def test_nothing_of_the_connection_the_gateway_or_those_before_it_goes_on() -> None:
    headers = sent(
        ("Host", "gateway"),
        ("Content-Length", "5"),
        ("Connection", "Keep-Alive, X-Secret ,"),
        ("X-Secret", "1"),
        ("Keep-Alive", "5"),
        ("TE", "trailers"),
        ("Trailer", "x"),
        ("Transfer-Encoding", "chunked"),
        ("Upgrade", "h2c"),
        ("HTTP2-Settings", "x"),
        ("Proxy-Authorization", "Basic x"),
        ("Proxy-Connection", "close"),
        ("Expect", "100-continue"),
        ("Cookie", "session=1"),
        ("Forwarded", "for=1.2.3.4"),
        ("X-Forwarded-For", "1.2.3.4"),
        ("X-Forwarded-Anything", "1"),
        ("X-Real-IP", "1.2.3.4"),
        ("X-Dragoman-Strict", "true"),
        ("X-Dragoman-Provider-API-Key", "sk"),
        ("X-Inference-Provider-API-Key", "sk"),
        ("X-Team-Key", "gateway"),
        endpoint=Endpoint("p", "openai", "http://p"),
        key_headers=("x-team-key",),
    )
    assert headers == {"accept-encoding": "identity"}


def test_what_the_operator_configured_wins_over_the_client() -> None:
    endpoint = Endpoint("p", "anthropic", "http://p", headers={"Anthropic-Version": "2020-01-01", "X-Team": "ours"})
    headers = sent(("anthropic-version", "2024-01-01"), ("x-team", "theirs"), endpoint=endpoint)
    assert (headers["anthropic-version"], headers["x-team"]) == ("2020-01-01", "ours")


def test_beta_features_of_both() -> None:
    endpoint = Endpoint("p", "anthropic", "http://p", headers={"anthropic-beta": "a,b"})
    assert sent(("Anthropic-Beta", "c"), ("anthropic-beta", "d"), endpoint=endpoint)["anthropic-beta"] == "a,b,c, d"
    assert sent(endpoint=endpoint)["anthropic-beta"] == "a,b"


def test_what_the_dialect_needs_where_the_client_does_not_say() -> None:
    headers = sent(endpoint=Endpoint("p", "anthropic", "http://p"))
    assert headers["anthropic-version"] == "2023-06-01"
    assert "content-type" not in headers


def test_a_vendors_own_header_for_its_key_cannot_be_taken() -> None:
    endpoint = Endpoint("p", "openai", "http://p", (Secret("k"),), quirks=Quirks(key_header="x-corp"))
    headers = sent(("X-Corp", "theirs"), ("content-type", "text/k"), endpoint=endpoint)
    assert (headers["x-corp"], headers["content-type"]) == ("k", "text/k")


@pytest.mark.parametrize(
    ("accepted", "asked"),
    [
        ((), "identity"),
        (("",), "identity"),
        (("gzip",), "gzip"),
        (("gzip, deflate, br, zstd",), "gzip, deflate"),
        (("br;q=1.0, GZIP;q=0.8, *;q=0.1",), "GZIP;q=0.8"),
        (("br",), "identity"),
        (("identity;q=0",), "identity;q=0"),
        (("gzip", "deflate"), "gzip, deflate"),
    ],
)
def test_only_encodings_that_can_be_counted_are_asked_for(accepted: tuple[str, ...], asked: str) -> None:
    assert sent(*(("Accept-Encoding", value) for value in accepted))["accept-encoding"] == asked


def test_fields_of_one_name_are_one_list() -> None:
    assert sent(("X-A", "1"), ("x-b", "2"), ("x-a", "3"))["x-a"] == "1, 3"


def test_bytes_beyond_ascii_arrive_as_they_were() -> None:
    written = "\u00fc \u4e2d".encode()
    value = sent(("x-name", written.decode("latin-1")))["x-name"]
    # The transport writes UTF-8.
    assert value.encode() == written


@pytest.mark.parametrize(
    ("name", "value", "field"),
    [
        ("", "x", "name"),
        ("a b", "x", "name"),
        ("a:", "x", "name"),
        (":authority", "x", "name"),
        ("a\r\nb", "x", "name"),
        ("n\u00fc", "x", "name"),
        ("a", "x\r\nb: c", "value"),
        ("a", "x\x00", "value"),
        ("a", "x\x7f", "value"),
        ("a", "\u4e2d", "value"),
        ("a", "\xff", "value"),
    ],
)
def test_a_header_that_http_cannot_carry(name: str, value: str, field: str) -> None:
    with pytest.raises(GatewayError) as caught:
        sent(("ok", "1"), (name, value))
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_REQUEST, f"headers[1].{field}")


def test_an_answers_headers_are_told() -> None:
    received = [
        ("content-type", "application/json"),
        ("content-length", "7"),
        ("content-encoding", "gzip"),
        ("x-request-id", "r1"),
        ("x-ratelimit-remaining-tokens", "9"),
        ("link", "<a>"),
        ("link", "<b>"),
        ("location", "/elsewhere"),
        ("x-name", "\xc3\xbc\xff"),
    ]
    assert told(*received) == received


def test_what_an_answer_does_not_tell() -> None:
    received = [
        ("connection", "close, x-hop"),
        ("x-hop", "1"),
        ("keep-alive", "5"),
        ("transfer-encoding", "chunked"),
        ("trailer", "x"),
        ("upgrade", "h2"),
        ("proxy-authenticate", "Basic"),
        ("set-cookie", "a=b"),
        ("set-cookie", "c=d"),
        ("alt-svc", 'h3=":443"'),
        ("strict-transport-security", "max-age=1"),
        ("x-dragoman-provider", "another"),
    ]
    assert told(*received) == []


def test_a_key_that_the_provider_repeats_is_blotted_out() -> None:
    endpoint = Endpoint("p", "openai", "http://p", (Secret(KEY), Secret("word")), headers={"x-auth": "Basic c2VjcmV0cw=="})
    received = [("location", f"https://p/?key={KEY}"), ("x-debug", "Basic c2VjcmV0cw=="), ("x-words", "a word")]
    assert told(*received, endpoint=endpoint) == [
        ("location", "https://p/?key=***"),
        ("x-debug", "Basic ***"),
        ("x-words", "a word"),
    ]
