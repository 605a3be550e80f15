"""Contents in the contract's terms: roles, calls and results, and the pieces that streams leave behind."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dragoman.v1.content_pb2 import MediaKind, Message, Role, Signature
from gateway_dialects.gemini.parse_request import parse_chat
from tests.gateway_dialects.gemini.server.reading import model, parsed, user

CALL = {"functionCall": {"name": "f", "args": {"x": 1}}}
IN = {"role": "user", "parts": [{"text": "Go"}]}


def messages(*contents: Any) -> list[Message]:
    return list(parsed(contents=list(contents)).messages)


def notes(holder: Any) -> Any:
    """This dialect's details, and the form."""
    details, form = (holder.provider_details_json.get(name) for name in ("gemini", "gemini.form"))
    return (json.loads(details) if details else {}, json.loads(form) if form else {})


def roles(found: list[Message]) -> list[str]:
    return [Role.Name(message.role).removeprefix("ROLE_") for message in found]


@pytest.mark.parametrize(
    "contents", ["Hi", ["Hi"], {"parts": [{"text": "Hi"}]}, {"parts": {"text": "Hi"}}, [{"role": "user", "parts": "Hi"}]]
)
def test_every_short_form_that_google_s_documentation_uses(contents: Any) -> None:
    (message,) = parsed(contents=contents).messages
    assert (message.role, message.parts[0].text) == (Role.ROLE_USER, "Hi")


@pytest.mark.parametrize(
    "instruction", ["Be brief.", {"parts": {"text": "Be brief."}}, {"role": "system", "parts": [{"text": "Be brief."}]}]
)
def test_instructions(instruction: Any) -> None:
    first, second = parsed(system_instruction=instruction).messages
    assert (first.role, first.parts[0].text) == (Role.ROLE_SYSTEM, "Be brief.")
    assert second.role == Role.ROLE_USER


def test_results_have_messages_of_their_own() -> None:
    response = {"functionResponse": {"name": "f", "response": {"result": "4"}}}
    found = messages(IN, model("Well:", CALL, CALL), user(response, response, "So?"))
    assert roles(found) == ["USER", "ASSISTANT", "TOOL", "TOOL", "USER"]
    calls = [part.tool_call.id for part in found[1].parts[1:]]
    assert calls == ["call_0", "call_1"]
    assert [message.parts[0].tool_result.tool_call_id for message in found[2:4]] == calls
    assert found[2].parts[0].tool_result.parts[0].text == "4"
    assert notes(found[4]) == ({}, {"turn": "join"})


def test_results_find_their_calls_by_id_or_by_name_and_order() -> None:
    def call(name: str, call_id: str = "") -> dict[str, Any]:
        return {"functionCall": {"name": name, "args": {}} | ({"id": call_id} if call_id else {})}

    def result(name: str, call_id: str = "") -> dict[str, Any]:
        return {"functionResponse": {"name": name, "response": {}} | ({"id": call_id} if call_id else {})}

    found = messages(
        IN, model(call("f", "a"), call("g", "b"), call("f", "c")), user(result("f", "c"), result("g"), result("f"))
    )
    assert [message.parts[0].tool_result.tool_call_id for message in found[2:]] == ["c", "b", "a"]


def test_a_result_with_an_id_of_the_client_s_own_finds_its_call() -> None:
    response = {"functionResponse": {"name": "f", "id": "f-1", "response": {"result": "4"}}}
    found = messages(IN, model(CALL), user(response))
    assert found[2].parts[0].tool_result.tool_call_id == found[1].parts[0].tool_call.id
    assert notes(found[2].parts[0]) == ({}, {"made_up_id": "f-1", "response_key": "result"})


@pytest.mark.parametrize(
    ("response", "text", "is_error"),
    [
        ({"result": "4"}, "4", False),
        ({"output": "4"}, "4", False),
        ({"error": "broke"}, "broke", True),
        ({"error": {"code": 3}}, '{"error":{"code":3}}', True),
        ({"result": [1]}, '{"result":[1]}', False),
        ({"degrees": 4}, '{"degrees":4}', False),
        ({}, "{}", False),
    ],
)
def test_what_a_tool_said(response: dict[str, Any], text: str, is_error: bool) -> None:
    answer = {"functionResponse": {"name": "f", "response": response}}
    result = messages(IN, model(CALL), user(answer))[2].parts[0].tool_result
    assert (result.parts[0].text, result.is_error, result.name) == (text, is_error, "f")


def test_what_a_stream_left_in_pieces_is_one_turn() -> None:
    found = messages(
        IN,
        model({"text": "I th", "thought": True}),
        model({"text": "ink", "thought": True}),
        model("Hel"),
        model("lo", {"text": "", "thoughtSignature": "c2ln"}),
        model(CALL),
        model(CALL),
    )
    assert roles(found) == ["USER", "ASSISTANT"]
    thought, words, first, second = found[1].parts
    assert (thought.reasoning.text, words.text) == ("I think", "Hello")
    pieces = [[{"length": 3}], [{"length": 2}, {"length": 0, "fields": {"thoughtSignature": "c2ln"}}]]
    assert notes(words) == ({}, {"new_content": True, "pieces": pieces})
    assert words.signature == Signature(provider="gemini", value="c2ln")
    assert notes(thought) == ({}, {"pieces": [[{"length": 4}], [{"length": 3}]]})
    assert notes(second) == ({}, {"new_content": True, "no_id": True})
    assert first.tool_call.id != second.tool_call.id


def test_an_empty_content_of_the_model_says_nothing() -> None:
    assert roles(messages(IN, {"role": "model", "parts": []}, {"role": "model"}, user("So?"))) == ["USER", "USER"]


def test_media() -> None:
    contents = user(
        {"inline_data": {"mime_type": "image/png", "data": "-_-_AA"}},
        {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://b/a"}, "videoMetadata": {"fps": 2}},
        {"fileData": {"fileUri": "https://www.youtube.com/watch?v=abc"}},
    )
    image, film, tube = messages(contents)[0].parts
    assert (image.media.kind, image.media.uri) == (MediaKind.MEDIA_KIND_IMAGE, "data:image/png;base64,+/+/AA==")
    assert (film.media.kind, film.media.uri, notes(film)) == (
        MediaKind.MEDIA_KIND_VIDEO,
        "gs://b/a",
        ({"videoMetadata": {"fps": 2}}, {}),
    )
    assert (tube.media.mime_type, notes(tube)) == ("", ({}, {"no_mime_type": True}))


@pytest.mark.parametrize(
    "part", [{"executableCode": {"code": "1"}}, {"hologram": {"x_y": 1}}, {"text": "a", "functionCall": {"name": "f"}}]
)
def test_other_parts_are_carried_as_they_are(part: dict[str, Any]) -> None:
    (found,) = messages(IN, model(part))[1].parts
    assert (found.opaque.dialect, json.loads(found.opaque.json)) == ("gemini", part)


@pytest.mark.parametrize("part", [{}, {"thoughtSignature": "c2ln"}])
def test_a_part_without_content_is_an_empty_text(part: dict[str, Any]) -> None:
    (found,) = messages(IN, model(part))[1].parts
    assert (found.WhichOneof("kind"), found.text, notes(found)) == ("text", "", ({}, {}))
    assert found.signature.value == part.get("thoughtSignature", "")


def test_reading_twice_gives_the_same() -> None:
    body = json.dumps({"contents": [IN, model(CALL), user({"functionResponse": {"name": "f", "response": {}}})]}).encode()
    assert parse_chat(body, "m") == parse_chat(body, "m")
