"""Text completions as chats."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError
from dragoman.v1.content_pb2 import ROLE_USER
from gateway_dialects.completions.parse_request import MOST_PROMPTS, ParsedTexts, parse_texts


def parsed(**fields: Any) -> ParsedTexts:
    return parse_texts(json.dumps({"model": "m", "prompt": "Once", **fields}).encode())


def test_one_prompt() -> None:
    texts = parsed()
    (chat,) = texts.chats
    assert (chat.model, len(chat.messages), chat.messages[0].role) == ("m", 1, ROLE_USER)
    assert [part.text for part in chat.messages[0].parts] == ["Once"]
    assert (texts.stream, texts.include_usage, texts.echo, texts.alternatives, texts.count) == (False, False, False, None, 1)
    assert not chat.provider_options_json


def test_several_prompts_differ_in_nothing_else() -> None:
    texts = parsed(prompt=["a", "b"], temperature=0.5, n=2, stop=["\n"], seed=3, user="u", min_p=0.1)
    assert texts.prompts == ("a", "b")
    assert texts.count == 2
    for chat, prompt in zip(texts.chats, texts.prompts, strict=True):
        assert [part.text for part in chat.messages[0].parts] == [prompt]
        assert (chat.temperature, chat.candidate_count, list(chat.stop), chat.seed, chat.user) == (0.5, 2, ["\n"], 3, "u")
        assert json.loads(chat.extra_body_json) == {"min_p": 0.1}


def test_the_model_in_the_path_counts() -> None:
    for body in (b'{"prompt": "Hi"}', b'{"prompt": "Hi", "model": null}', b'{"prompt": "Hi", "model": "other"}'):
        assert parse_texts(body, "deployed").chats[0].model == "deployed"


def test_log_probabilities() -> None:
    texts = parsed(logprobs=0)
    assert (texts.alternatives, texts.chats[0].logprobs, texts.chats[0].top_logprobs) == (0, True, 0)
    assert parsed(logprobs=5).chats[0].top_logprobs == 5
    assert not parsed(logprobs=None).chats[0].HasField("logprobs")


def test_a_stream() -> None:
    texts = parsed(stream=True, stream_options={"include_usage": True}, echo=True)
    assert (texts.stream, texts.include_usage, texts.echo) == (True, True, True)


def options(**fields: Any) -> Any:
    found = parsed(**fields).chats[0].provider_options_json
    return json.loads(found["openai-completions"]) if found else {}


def test_what_only_text_completions_have() -> None:
    assert options(best_of=3, n=2) == {"best_of": 3}
    assert options(suffix="the end") == {"suffix": "the end"}
    for fields in (
        {"best_of": 2, "n": 2},
        {"best_of": 1},
        {"best_of": None},
        {"suffix": ""},
        {"echo": True},
        {"logprobs": 1},
    ):
        assert options(**fields) == {}


def test_the_prompt_is_repeated_by_the_provider_where_its_log_probabilities_are_wanted() -> None:
    texts = parsed(echo=True, logprobs=0)
    assert options(echo=True, logprobs=0) == {"echo": True}
    assert (texts.echo, texts.echoed, texts.offset("Once")) == (False, True, 0)
    texts = parsed(echo=True)
    assert (texts.echo, texts.echoed, texts.offset("Once")) == (True, False, 4)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"prompt": None}, "prompt"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": ["a", ""]}, "prompt"),
        ({"prompt": {"a": 1}}, "prompt"),
        ({"prompt": 7}, "prompt"),
        ({"prompt": ["a", 1]}, "prompt[1]"),
        ({"prompt": ["a", None]}, "prompt[1]"),
        ({"prompt": ["a"] * (MOST_PROMPTS + 1)}, "prompt"),
        ({"suffix": 1}, "suffix"),
        ({"echo": "yes"}, "echo"),
        ({"best_of": "3"}, "best_of"),
        ({"best_of": 1, "n": 2}, "best_of"),
        ({"logprobs": True}, "logprobs"),
        ({"logprobs": -1}, "logprobs"),
        ({"logprobs": 21}, "logprobs"),
        ({"n": "2"}, "n"),
        ({"stream": 1}, "stream"),
        ({"messages": []}, "messages"),
        ({"tools": []}, "tools"),
        ({"modalities": ["audio"]}, "modalities"),
    ],
)
def test_what_is_refused(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        parsed(**fields)
    assert (caught.value.http_status, caught.value.field) == (400, param)
    assert param in caught.value.message


@pytest.mark.parametrize(("fields", "param"), [({"prompt": [1, 2, 3]}, "prompt"), ({"prompt": [[1, 2], [3]]}, "prompt")])
def test_what_nobody_can_do(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        parsed(**fields)
    assert (caught.value.http_status, caught.value.reason, caught.value.field) == (400, "UNSUPPORTED", param)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"Hi"', b"\xff"])
def test_a_body_that_is_none(body: bytes) -> None:
    with pytest.raises(GatewayError):
        parse_texts(body)
