"""OpenAI's own SDK has a conversation: whole, streamed, sync and async, with everything an answer can hold."""

import asyncio
import base64
from collections.abc import Iterable

import pytest
from openai import AsyncOpenAI, OpenAI
from openai.types.chat import ChatCompletionChunk, ChatCompletionContentPartParam

from tests.e2e.conversations import said
from tests.e2e.gateways import KEY, Gateway

PICTURE = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
SOUND = base64.b64encode(b"RIFF\x04\0\0\0WAVE").decode()
DOCUMENT = base64.b64encode(b"%PDF-1.7").decode()


def text_of(chunks: Iterable[ChatCompletionChunk], index: int = 0) -> str:
    choices = [choice for chunk in chunks for choice in chunk.choices if choice.index == index]
    return "".join(choice.delta.content or "" for choice in choices)


def test_a_whole_answer(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="demo/echo", messages=said("Hello, Dragoman!"))

    (choice,) = answer.choices
    assert (choice.message.role, choice.message.content) == ("assistant", "Hello, Dragoman!")
    assert (choice.finish_reason, choice.index, choice.logprobs) == ("stop", 0, None)
    assert answer.object == "chat.completion"
    assert answer.system_fingerprint == "fp_demo"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (2, 2, 4)


def test_a_stream(client: OpenAI) -> None:
    chunks = list(client.chat.completions.create(model="demo/echo", messages=said("one two three"), stream=True))

    assert text_of(chunks) == "one two three"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices if choice.finish_reason] == ["stop"]
    assert {chunk.id for chunk in chunks} == {chunks[0].id}
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert all(chunk.usage is None for chunk in chunks)


def test_usage_comes_last_when_it_is_asked_for(client: OpenAI) -> None:
    *chunks, last = client.chat.completions.create(
        model="demo/echo", messages=said("one two three"), stream=True, stream_options={"include_usage": True}
    )

    assert (last.choices, last.usage and last.usage.total_tokens) == ([], 6)
    assert all(chunk.usage is None for chunk in chunks)


def test_the_stream_helper(client: OpenAI) -> None:
    with client.chat.completions.stream(
        model="demo/echo", messages=said("one two three"), stream_options={"include_usage": True}
    ) as stream:
        deltas = [event.delta for event in stream if event.type == "content.delta"]
        final = stream.get_final_completion()

    assert "".join(deltas) == "one two three"
    assert final.choices[0].message.content == "one two three"
    assert final.usage is not None
    assert final.usage.total_tokens == 6


def test_whole_and_streamed_agree(client: OpenAI) -> None:
    whole = client.chat.completions.create(model="demo/reasoning", messages=said("one two"), n=2)
    with client.chat.completions.stream(
        model="demo/reasoning", messages=said("one two"), n=2, stream_options={"include_usage": True}
    ) as stream:
        streamed = stream.get_final_completion()

    assert [choice.message.content for choice in streamed.choices] == [choice.message.content for choice in whole.choices]
    assert (streamed.id, streamed.model) == (whole.id, whole.model)
    assert streamed.usage == whole.usage


def test_asynchronous_callers(gateway: Gateway) -> None:
    async def talk() -> tuple[str | None, str, str | None]:
        async with AsyncOpenAI(base_url=gateway.url, api_key=KEY) as client:
            whole, stream = await asyncio.gather(
                client.chat.completions.create(model="demo/echo", messages=said("one two")),
                client.chat.completions.create(model="demo/slow-5", messages=said("one two"), stream=True),
            )
            streamed = text_of([chunk async for chunk in stream])
            async with client.chat.completions.stream(model="demo/echo", messages=said("three")) as helper:
                final = await helper.get_final_completion()
            return whole.choices[0].message.content, streamed, final.choices[0].message.content

    assert asyncio.run(talk()) == ("one two", "one two", "three")


def test_leaving_a_stream_early(client: OpenAI) -> None:
    with client.chat.completions.create(model="demo/slow-5", messages=said("one " * 1000), stream=True) as stream:
        assert next(iter(stream)).choices[0].delta.role == "assistant"

    assert client.chat.completions.create(model="demo/echo", messages=said("Hi")).choices[0].message.content == "Hi"


@pytest.mark.parametrize("streams", [False, True])
def test_several_candidates(client: OpenAI, streams: bool) -> None:
    if streams:
        chunks = list(client.chat.completions.create(model="demo/echo", messages=said("one two"), n=3, stream=True))
        texts: list[str | None] = [text_of(chunks, index) for index in range(3)]
    else:
        answer = client.chat.completions.create(model="demo/echo", messages=said("one two"), n=3)
        assert [choice.index for choice in answer.choices] == [0, 1, 2]
        texts = [choice.message.content for choice in answer.choices]

    assert texts == ["one two"] * 3


def test_log_probabilities(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="demo/echo", messages=said("one two"), logprobs=True, top_logprobs=2)
    chunks = client.chat.completions.create(
        model="demo/echo", messages=said("one two"), logprobs=True, top_logprobs=2, stream=True
    )

    told = answer.choices[0].logprobs
    assert told is not None
    assert told.content is not None
    assert [(token.token, token.logprob, token.bytes) for token in told.content] == [
        ("one", -0.03, list(b"one")),
        (" two", -0.04, list(b" two")),
    ]
    assert [len(token.top_logprobs) for token in told.content] == [2, 2]
    streamed = [choice.logprobs for chunk in chunks for choice in chunk.choices if choice.logprobs]
    assert [token for logprobs in streamed for token in logprobs.content or []] == told.content


def test_reasoning(client: OpenAI) -> None:
    question = said("one two three")
    answer = client.chat.completions.create(model="demo/reasoning", messages=question, reasoning_effort="high")
    chunks = list(client.chat.completions.create(model="demo/reasoning", messages=question, stream=True))

    thought = "The user said 3 words. I say them back."
    assert answer.choices[0].message.content == text_of(chunks) == "one two three"
    # Not in the SDK's types, but DeepSeek's field for it, which the SDK hands on.
    assert (answer.choices[0].message.model_extra or {})["reasoning_content"] == thought
    extras = [choice.delta.model_extra or {} for chunk in chunks for choice in chunk.choices]
    assert "".join(extra.get("reasoning_content", "") for extra in extras) == thought
    assert answer.usage is not None
    assert answer.usage.completion_tokens_details is not None
    assert answer.usage.completion_tokens_details.reasoning_tokens == 9


def test_refusals(client: OpenAI) -> None:
    answer = client.chat.completions.create(model="demo/refusal", messages=said("Hi"))
    with client.chat.completions.stream(model="demo/refusal", messages=said("Hi")) as stream:
        deltas = [event.delta for event in stream if event.type == "refusal.delta"]

    assert answer.choices[0].message.refusal == "".join(deltas) == "I am sorry, but I cannot help with that."
    assert answer.choices[0].message.content is None


def test_images_audio_and_files(client: OpenAI) -> None:
    parts: list[ChatCompletionContentPartParam] = [
        {"type": "text", "text": "Look:"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}},
        {"type": "input_audio", "input_audio": {"data": SOUND, "format": "wav"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:application/pdf;base64,{DOCUMENT}"}},
        {"type": "file", "file": {"file_id": "file-1"}},
    ]

    answer = client.chat.completions.create(model="demo/echo", messages=[{"role": "user", "content": parts}])

    assert answer.choices[0].message.content == (
        "Look: [image image/png 8 bytes] [image https://example.com/cat.png] [audio wav 12 bytes]"
        " [file a.pdf application/pdf 8 bytes] [file file-1]"
    )


def test_every_role(client: OpenAI) -> None:
    answer = client.chat.completions.create(
        model="demo/echo",
        messages=[
            {"role": "developer", "content": "Be brief."},
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "One?", "name": "ann"},
            {"role": "assistant", "content": "Two."},
            {"role": "user", "content": "Three?"},
        ],
        stop=["?"],
        max_completion_tokens=5,
        temperature=0.7,
        seed=1,
    )

    assert answer.choices[0].message.content == "Three"


def test_the_list_of_models(client: OpenAI) -> None:
    listed = {model.id: model for model in client.models.list()}

    assert listed["demo/echo"].object == "model"
    assert listed["demo/echo"].owned_by == "dragoman"
    assert client.models.retrieve("demo/echo") == listed["demo/echo"]


def test_the_answers_headers(client: OpenAI) -> None:
    raw = client.chat.completions.with_raw_response.create(
        model="demo/echo", messages=said("Hi"), extra_headers={"x-request-id": "my-own-id"}
    )

    assert raw.parse().choices[0].message.content == "Hi"
    assert raw.request_id == "my-own-id"
    assert raw.headers["content-type"] == "application/json"
    assert (raw.headers["x-model-used"], raw.headers["x-dragoman-provider"]) == ("demo/echo", "demo")
    assert raw.headers["x-dragoman-attempts"] == "1"
    assert "x-fallback-from" not in raw.headers


def test_the_streams_headers(client: OpenAI) -> None:
    with client.chat.completions.with_streaming_response.create(
        model="demo/echo", messages=said("Hi"), stream=True
    ) as response:
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert response.headers["x-model-used"] == "demo/echo"
        assert response.headers["x-request-id"]
        assert list(response.iter_lines())[-2:] == ["data: [DONE]", ""]


def test_the_other_prefix(gateway: Gateway) -> None:
    with OpenAI(base_url=f"{gateway.http}/api/v1", api_key=KEY) as client:
        assert client.models.retrieve("demo/echo").id == "demo/echo"
        answer = client.chat.completions.create(model="demo/echo", messages=said("Hi"))
        assert answer.choices[0].message.content == "Hi"
