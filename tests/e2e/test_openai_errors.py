"""OpenAI's own SDK raises the class that fits, each from its real cause."""

import asyncio
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from tests.e2e.conversations import chunk, completion, refused, said, word
from tests.e2e.gateways import KEY, PROVIDER_KEY, Gateway, Provider
from tests.upstream import CUT, STALL, Reply, Signal, Step, event_stream, json_reply

MODEL = "openai/real-model"


def ask(client: OpenAI, model: str = MODEL, **fields: Any) -> object:
    """Whatever comes of it: an answer, or a stream."""
    return client.chat.completions.create(model=model, messages=said("Hi"), **fields)


def body_of(error: openai.APIError) -> dict[str, Any]:
    """What stood in the error's envelope."""
    assert isinstance(error.body, dict)
    return error.body


@pytest.mark.parametrize("key", ["wrong", KEY.upper(), KEY + "x", PROVIDER_KEY])
def test_authentication_error(gateway: Gateway, key: str) -> None:
    with OpenAI(base_url=gateway.url, api_key=key) as client, pytest.raises(openai.AuthenticationError) as caught:
        ask(client, "demo/echo")

    assert (caught.value.status_code, caught.value.code) == (401, "invalid_api_key")
    assert caught.value.type == "invalid_request_error"
    assert key not in str(caught.value)


def test_a_key_is_needed_for_everything(gateway: Gateway) -> None:
    with OpenAI(base_url=gateway.url, api_key="wrong") as client:
        with pytest.raises(openai.AuthenticationError):
            client.models.list()
        with pytest.raises(openai.AuthenticationError):
            client.models.retrieve("demo/echo")
        with pytest.raises(openai.AuthenticationError):
            ask(client, stream=True)


def test_a_missing_key_is_told_apart(gateway: Gateway) -> None:
    with OpenAI(base_url=gateway.url, api_key="x") as client, pytest.raises(openai.AuthenticationError) as caught:
        ask(client, "demo/echo", extra_headers={"Authorization": openai.omit})

    assert caught.value.code == "missing_api_key"
    assert "Authorization: Bearer" in str(caught.value)


@pytest.mark.parametrize("model", ["demo/no-such-model", "no-such-provider/x", "no-such-model"])
def test_not_found_error(client: OpenAI, model: str) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        ask(client, model)

    assert (caught.value.code, caught.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve(model)
    assert caught.value.code == "model_not_found"


def test_a_path_that_is_not_served(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        client.get("/no/such/path", cast_to=object)

    assert caught.value.code == "unknown_url"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temperature": "hot"}, "temperature"),
        ({"messages": []}, "messages"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": "Hi"}, {"role": "wizard", "content": "Hi"}]}, "messages[1].role"),
        ({"messages": "Hi"}, "messages"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"n": 0.5}, "n"),
    ],
)
def test_bad_request_error(client: OpenAI, fields: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, "demo/echo", extra_body=fields)

    assert (caught.value.status_code, caught.value.param) == (400, param)
    assert caught.value.type == "invalid_request_error"
    assert param in str(caught.value)


def test_strict_refuses_what_would_be_left_out(client: OpenAI, provider: Provider) -> None:
    provider.answers(completion("Hi"))
    lenient = client.chat.completions.with_raw_response.create(model=MODEL, messages=said("Hi"), extra_body={"top_k": 5})
    assert lenient.headers["x-dragoman-warnings"] == "openai: top_k is not supported by this provider and was left out"

    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, extra_body={"top_k": 5}, extra_headers={"x-dragoman-strict": "true"})
    assert caught.value.param == "top_k"
    assert len(provider.requests) == 1


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (404, openai.NotFoundError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
    ],
)
def test_the_providers_own_refusal(
    client: OpenAI, provider: Provider, status: int, error: type[openai.APIStatusError]
) -> None:
    provider.answers(refused(status, "This is why.", code="its_own_code", param="messages[0]"))

    with pytest.raises(error) as caught:
        ask(client)

    assert caught.value.status_code == status
    assert "This is why." in str(caught.value)
    assert (caught.value.code, caught.value.type) == ("its_own_code", "provider_error_type")
    assert body_of(caught.value)["metadata"]["provider"] == "openai"


@pytest.mark.parametrize(("status", "told"), [(500, 502), (502, 502), (503, 503), (529, 503), (504, 504)])
def test_internal_server_error(client: OpenAI, provider: Provider, status: int, told: int) -> None:
    provider.answers(refused(status, "It broke."))

    with pytest.raises(openai.InternalServerError) as caught:
        ask(client)

    assert caught.value.status_code == told
    assert str(caught.value).endswith("openai: It broke.")
    assert caught.value.response.headers["x-dragoman-attempts"] == str(len(provider.requests)) == "2"
    assert body_of(caught.value)["metadata"]["upstream_status"] == str(status)


@pytest.mark.parametrize("status", [401, 403])
def test_the_gateways_own_key_is_never_the_clients_fault(client: OpenAI, provider: Provider, status: int) -> None:
    provider.answers(refused(status, f"Incorrect API key provided: {PROVIDER_KEY}."))

    with pytest.raises(openai.InternalServerError) as caught:
        ask(client)

    assert caught.value.status_code == 502
    assert caught.value.code == "upstream_auth"
    assert "Incorrect API key provided: ***." in str(caught.value)
    assert PROVIDER_KEY not in caught.value.response.text
    assert len(provider.requests) == 1


def test_the_sdk_retries_and_is_told_when(gateway: Gateway, provider: Provider) -> None:
    busy = refused(429, "Slow down.", {"retry-after-ms": "20"})
    provider.answers(busy, busy, busy, busy, completion("At last."))
    with OpenAI(base_url=gateway.url, api_key=KEY, max_retries=2) as client:
        raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=said("Hi"))

    # Two attempts of the gateway for each of the SDK's three.
    assert raw.retries_taken == 2
    assert raw.parse().choices[0].message.content == "At last."
    assert len(provider.requests) == 5


def test_the_sdk_gives_up(gateway: Gateway, provider: Provider) -> None:
    provider.answers(refused(429, "Slow down.", {"retry-after-ms": "20"}))
    with OpenAI(base_url=gateway.url, api_key=KEY, max_retries=1) as client, pytest.raises(openai.RateLimitError) as caught:
        ask(client)

    assert caught.value.response.headers["retry-after-ms"] == "20"
    assert caught.value.response.headers["retry-after"] == "1"
    assert len(provider.requests) == 4


@pytest.mark.parametrize("streams", [False, True])
def test_api_timeout_error_closes_the_upstream(client: OpenAI, provider: Provider, streams: bool) -> None:
    provider.answers(Reply(before_head=[STALL]))

    with pytest.raises(openai.APITimeoutError):
        ask(client, timeout=0.3, stream=streams)

    provider.requests[0].closed.join()
    assert len(provider.requests) == 1


def test_cancelling_closes_the_upstream(gateway: Gateway, provider: Provider) -> None:
    provider.answers(event_stream(word("first"), STALL))

    async def begin_and_leave() -> None:
        async with AsyncOpenAI(base_url=gateway.url, api_key=KEY) as client:
            stream = await client.chat.completions.create(model=MODEL, messages=said("Hi"), stream=True)
            assert (await anext(aiter(stream))).choices[0].delta.role == "assistant"
            task = asyncio.ensure_future(anext(aiter(stream)))
            task.cancel()
            await asyncio.wait([task])
            await stream.close()

    asyncio.run(begin_and_leave())
    provider.requests[0].closed.join()


BEFORE_CONTENT = {
    "refused": refused(500, "It broke."),
    "in-band": event_stream({"error": {"message": "It broke.", "type": "server_error", "code": None}}),
    "cut": event_stream(chunk({"role": "assistant"}), CUT),
    "ended": event_stream(chunk({"role": "assistant"})),
    "garbage": event_stream(b"data: {]\n\n"),
    "html": Reply(headers={"content-type": "text/html"}, body=b"<html>Sorry</html>"),
    "empty": event_stream(),
}


@pytest.mark.parametrize("reply", BEFORE_CONTENT.values(), ids=BEFORE_CONTENT)
def test_a_stream_that_fails_before_content_is_an_error_status(client: OpenAI, provider: Provider, reply: Reply) -> None:
    provider.answers(reply)

    with pytest.raises(openai.InternalServerError) as caught:
        ask(client, stream=True)

    assert caught.value.status_code == 502
    assert "openai" in str(caught.value)
    assert len(provider.requests) == 2


AFTER_CONTENT: dict[str, list[dict[str, Any] | Step]] = {
    "cut": [CUT],
    "ended": [],
    "only done": [b"data: [DONE]\n\n"],
    "in-band": [{"error": {"message": "It broke.", "type": "server_error"}}],
    "garbage": [b"data: {]\n\n"],
    "binary": [b"data: \xff\xfe\x00\n\n"],
}


@pytest.mark.parametrize("ending", AFTER_CONTENT.values(), ids=AFTER_CONTENT)
def test_a_stream_that_fails_after_content_raises_there(
    client: OpenAI, provider: Provider, ending: list[dict[str, Any] | Step]
) -> None:
    seen = Signal()
    provider.answers(event_stream(word("first"), seen, *ending))
    text = ""

    with (
        client.chat.completions.create(model=MODEL, messages=said("Hi"), stream=True) as stream,
        pytest.raises(openai.APIError) as caught,
    ):
        for piece in stream:
            text += piece.choices[0].delta.content or ""
            if text:
                seen.set()

    assert text == "first"
    assert not isinstance(caught.value, openai.APIConnectionError)
    assert "openai" in caught.value.message
    assert len(provider.requests) == 1


WHOLE: dict[str, tuple[Reply, str]] = {
    "html": (Reply(headers={"content-type": "text/html"}, body=b"<html>Sorry</html>"), "upstream_invalid_response"),
    "empty": (Reply(headers={"content-type": "application/json"}, body=b""), "upstream_invalid_response"),
    "broken": (Reply(headers={"content-type": "application/json"}, body=b'{"id": "1", "choi'), "upstream_invalid_response"),
    "no choices": (json_reply({"id": "1"}), "upstream_invalid_response"),
    "a list": (json_reply([1]), "upstream_invalid_response"),
    "cut": (Reply(headers={"content-length": "500"}, body=[b'{"id": "1"', CUT]), "stream_interrupted"),
    "cut before the head": (Reply(before_head=[CUT]), "upstream_unavailable"),
    "not HTTP": (Reply(before_head=[b"SSH-2.0-OpenSSH_9.6\r\n\r\n", CUT]), "upstream_invalid_response"),
}


@pytest.mark.parametrize(("reply", "code"), WHOLE.values(), ids=WHOLE)
def test_an_answer_that_is_none(client: OpenAI, provider: Provider, reply: Reply, code: str) -> None:
    provider.answers(reply)

    with pytest.raises(openai.InternalServerError) as caught:
        ask(client)

    assert (caught.value.status_code, caught.value.code) == (502, code)
    assert "openai" in str(caught.value)
