"""The providers' own SDKs, pointed at /proxy/PROVIDER: what the gateway itself does not speak, they still can."""

import json

import anthropic
import pytest
from openai import InternalServerError, OpenAI

from tests.e2e.conversations import completion, refused, said, streamed, word
from tests.e2e.gateways import KEY, PROVIDER_KEY, Gateway, Provider, Start
from tests.upstream import event_stream, json_reply

MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude",
    "content": [{"type": "text", "text": "Hello."}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 3, "output_tokens": 2},
}


@pytest.fixture
def sdk(gateway: Gateway) -> OpenAI:
    return OpenAI(base_url=f"{gateway.http}/proxy/openai/v1", api_key=KEY, max_retries=0)


def test_chats(sdk: OpenAI, provider: Provider) -> None:
    provider.answers(completion("Hello.", unheard_of={"a": 1}))
    answer = sdk.chat.completions.create(model="real", messages=said("Hi"), extra_body={"also_unheard_of": [1.50]})

    assert answer.choices[0].message.content == "Hello."
    assert answer.model_extra == {"unheard_of": {"a": 1}}
    (request,) = provider.requests
    assert (request.path, request.headers["authorization"]) == ("/v1/chat/completions", f"Bearer {PROVIDER_KEY}")
    assert json.loads(request.body) == {"model": "real", "messages": said("Hi"), "also_unheard_of": [1.5]}
    assert KEY not in str(request.headers)


def test_streams(sdk: OpenAI, provider: Provider) -> None:
    provider.answers(streamed(word("Hel"), word("lo.")))
    stream = sdk.chat.completions.create(model="real", messages=said("Hi"), stream=True)

    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices) == "Hello."


def test_embeddings(sdk: OpenAI, provider: Provider) -> None:
    data = [{"object": "embedding", "index": 0, "embedding": [0.25, 1.0]}]
    usage = {"prompt_tokens": 1, "total_tokens": 1}
    provider.answers(json_reply({"object": "list", "data": data, "model": "e", "usage": usage}))

    assert sdk.embeddings.create(model="e", input="Hi", encoding_format="float").data[0].embedding == [0.25, 1.0]
    assert provider.requests[0].path == "/v1/embeddings"


def test_files_go_up_and_down(sdk: OpenAI, provider: Provider) -> None:
    file = {
        "id": "file-1",
        "object": "file",
        "bytes": 3,
        "created_at": 1,
        "filename": "a",
        "purpose": "batch",
        "status": "ok",
    }
    provider.answers(json_reply(file))
    content = b"\x00\xff\r\n--boundary"

    assert sdk.files.create(file=("a", content), purpose="batch").id == "file-1"
    (request,) = provider.requests
    assert request.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert content in request.body
    assert sdk.files.with_raw_response.retrieve("file-1").status_code == 200
    assert (provider.requests[-1].method, provider.requests[-1].path) == ("GET", "/v1/files/file-1")


def test_errors_are_the_providers_but_for_its_refusal_of_the_gateways_key(sdk: OpenAI, provider: Provider) -> None:
    provider.answers(refused(429, "Slow down.", {"x-request-id": "req_1"}), refused(401, "Wrong key."))

    with pytest.raises(Exception, match="Slow down") as caught:
        sdk.models.list()
    assert getattr(caught.value, "request_id", None) == "req_1"
    with pytest.raises(InternalServerError) as refusal:
        sdk.models.list()
    assert (refusal.value.status_code, refusal.value.code) == (502, "upstream_auth")


@pytest.mark.parametrize("streams", [False, True])
def test_anthropics_sdk(start: Start, provider: Provider, streams: bool) -> None:
    environ = {"DRAGOMAN_API_KEYS": KEY, "ANTHROPIC_API_URL": provider.url, "ANTHROPIC_API_KEY": PROVIDER_KEY}
    started = {"type": "message_start", "message": {**MESSAGE, "content": []}}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": "Hello."}}
    events = event_stream(started, block, {"type": "content_block_stop", "index": 0}, {"type": "message_stop"})
    provider.answers(events if streams else json_reply(MESSAGE))
    with (
        start(environ=environ) as gateway,
        anthropic.Anthropic(base_url=f"{gateway.http}/proxy/anthropic", api_key=KEY, max_retries=0) as sdk,
    ):
        asked = {"model": "claude", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}
        raw = sdk.messages.with_raw_response.create(**asked, stream=streams)  # type: ignore[call-overload]
        assert raw.status_code == 200
        assert "Hello." in raw.http_response.read().decode()
    (request,) = provider.requests
    assert (request.path, request.headers["x-api-key"]) == ("/v1/messages", PROVIDER_KEY)
    assert request.headers["anthropic-version"] == raw.http_request.headers["anthropic-version"]
    assert KEY not in str(request.headers)
