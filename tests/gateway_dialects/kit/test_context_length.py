"""Requests longer than a model's context: each vendor's words are recognised, and each API reports them in its own."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from dragoman.reasons import GatewayError, Reason
from gateway_core.providers.registry import DIALECTS
from gateway_dialects.anthropic import SERVER as ANTHROPIC
from gateway_dialects.cohere import SERVER as COHERE
from gateway_dialects.gemini import SERVER as GEMINI
from gateway_dialects.kit.context_length import counts_in, is_too_long
from gateway_dialects.kit.failures import upstream_error
from gateway_dialects.mistral import SERVER as MISTRAL
from gateway_dialects.openai import SERVER as OPENAI
from gateway_dialects.openai_responses import SERVER as RESPONSES

TOO_LONG = {
    "prompt is too long: 214000 tokens > 200000 maximum": (214000, 200000),
    "input length and `max_tokens` exceed context limit: 186433 + 20000 > 200000, decrease it": (206433, 200000),
    "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).": (1200000, 1048576),
    "The input token count exceeds the maximum number of tokens allowed 1048576.": (0, 1048576),
    "the input token count is 1100000 but model only supports up to 1048576.": (1100000, 1048576),
    "This model's maximum context length is 8192 tokens. However, you requested 10000 tokens (9500 in the messages, 500 in "
    "the completion).": (10000, 8192),
    "Your input exceeds the context window of this model. Please adjust your input and try again.": (0, 0),
    "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300000 tokens.": (300000, 272000),
    "The decoder prompt (length 40000) is longer than the maximum model length of 32768.": (40000, 32768),
    "The input (40000 tokens) is longer than the model's context length (32768 tokens).": (40000, 32768),
    "request (40000 tokens) exceeds the available context size (32768 tokens), try increasing it": (40000, 32768),
    "prompt too long; exceeded max context length by 1119046 tokens": (0, 0),
    "too many tokens: size limit exceeded by 25836 tokens. The limit for this model is 288000 tokens.": (313836, 288000),
    "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 4823.": (4823, 4081),
    "This model's maximum prompt length is 131072 but the request contains 537812 tokens.": (537812, 131072),
    "Prompt contains 65673 tokens, too large for model with 32768 maximum context length": (65673, 32768),
    "Your request exceeded model token limit: 262144 (requested: 300000)": (300000, 262144),
    "`inputs` tokens + `max_new_tokens` must be <= 4096. Given: 5000 `inputs` tokens and 100": (5000, 4096),
    "Please reduce the length of the messages or completion. Current length is 10000 while limit is 8192": (10000, 8192),
    "prompt token count of 135,354 exceeds the limit of 128,000": (135354, 128000),
    "Input is too long for requested model.": (0, 0),
    "invalid params, context window exceeds limit": (0, 0),
    "'max_tokens' is too large: 30000. This model's maximum context length is 32768 tokens and your request has 10000 input "
    "tokens (30000 > 32768 - 10000).": (0, 32768),
}
OTHERWISE = (
    "max_tokens: 128000 > 64000, which is the maximum allowed number of output tokens",
    "max_tokens is too large: 128000. This model supports at most 16384 completion tokens",
    "Your credit balance is too low",
    "Invalid value for 'temperature'",
)
CHATTING = [name for name in DIALECTS if name != "openai-completions"]


@pytest.mark.parametrize("message", TOO_LONG)
def test_the_numbers_are_found(message: str) -> None:
    assert counts_in(message) == TOO_LONG[message]


@pytest.mark.parametrize("dialect", CHATTING)
@pytest.mark.parametrize("message", TOO_LONG)
def test_every_dialect_recognises_it(dialect: str, message: str) -> None:
    """Compatible servers and proxies repeat the words of others."""
    failure = DIALECTS[dialect].chat.decode_error(400, {}, json.dumps({"error": {"message": message}}).encode())

    assert failure.reason is Reason.CONTEXT_LENGTH_EXCEEDED
    assert failure.tries_next_target


@pytest.mark.parametrize("dialect", CHATTING)
@pytest.mark.parametrize("message", OTHERWISE)
def test_nothing_else_is_taken_for_it(dialect: str, message: str) -> None:
    failure = DIALECTS[dialect].chat.decode_error(400, {}, json.dumps({"error": {"message": message}}).encode())

    assert failure.reason is not Reason.CONTEXT_LENGTH_EXCEEDED


@pytest.mark.parametrize("status", [401, 429, 503])
def test_a_limit_by_the_minute_is_not_it(status: int) -> None:
    assert not is_too_long(status, "Request too large: too many tokens per minute")


def failed(message: str) -> GatewayError:
    failure = upstream_error(Reason.CONTEXT_LENGTH_EXCEEDED, message, 400, upstream_code="1261", upstream_type="odd")
    failure.message = f"provider: {message}"
    return failure


COUNTED = "Prompt contains 65673 tokens, too large: the limit is 32768"
UNCOUNTED = "The total length of all messages is too long."
Render = Callable[[GatewayError, str], bytes]


@pytest.mark.parametrize(
    ("render", "field", "words"),
    [
        (ANTHROPIC.render_error, "error", "prompt is too long: 65673 tokens > 32768 maximum"),
        (
            OPENAI.render_error,
            "error",
            "maximum context length is 32768 tokens. However, your messages resulted in 65673 tokens",
        ),
        (RESPONSES.render_error, "error", "maximum context length is 32768 tokens"),
        (MISTRAL.render_error, "", "maximum context length is 32768 tokens"),
        (GEMINI.render_error, "error", "token count (65673) exceeds the maximum number of tokens allowed (32768)"),
        (
            COHERE.render_error,
            "",
            "too many tokens: total number of tokens in the prompt cannot exceed 32768 - received 65673",
        ),
    ],
)
def test_every_api_reports_it_in_its_own_words(render: Render, field: str, words: str) -> None:
    def error_of(message: str) -> dict[str, object]:
        body = json.loads(render(failed(message), "r"))
        found: dict[str, object] = body[field] if field else body
        return found

    assert words in str(error_of(COUNTED)["message"])
    # What the provider said is there where it gives no numbers, and stays as it is where it has the API's own words.
    assert UNCOUNTED in str(error_of(UNCOUNTED)["message"])
    own = str(error_of(COUNTED)["message"])
    assert error_of(own)["message"] == own


@pytest.mark.parametrize("render", [OPENAI.render_error, RESPONSES.render_error, MISTRAL.render_error])
def test_openais_clients_get_the_code(render: Render) -> None:
    body = json.loads(render(failed(COUNTED), "r"))

    assert body.get("error", body)["code"] == "context_length_exceeded"


def test_anthropics_clients_get_the_type() -> None:
    assert json.loads(ANTHROPIC.render_error(failed(COUNTED), "r"))["error"]["type"] == "invalid_request_error"
