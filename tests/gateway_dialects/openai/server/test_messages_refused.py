"""Messages that are none: the field at fault is named."""

from __future__ import annotations

from typing import Any

import pytest

from tests.gateway_dialects.openai.server.reading import CALL, USER, refused

USERS = {"role": "user"}
ASSISTANTS = {"role": "assistant"}
SAYING = {"role": "assistant", "content": "Hi"}


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"role": 7, "content": "Hi"}, "role"),
        ({**USERS, "content": 7}, "content"),
        ({**USERS, "content": {"type": "text", "text": "Hi"}}, "content"),
        ({**USERS, "content": [7]}, "content[0]"),
        ({**USERS, "content": ["Hi"]}, "content[0]"),
        ({**USERS, "content": [{"type": 7}]}, "content[0].type"),
        ({**USERS, "content": [{"type": "text", "text": "a"}, {"type": "text", "text": 7}]}, "content[1].text"),
        ({**USERS, "content": [{"type": "image_url", "image_url": 7}]}, "content[0].image_url"),
        ({**USERS, "content": [{"type": "image_url", "image_url": {"url": 7}}]}, "content[0].image_url.url"),
        (
            {**USERS, "content": [{"type": "image_url", "image_url": {"url": "u", "detail": 7}}]},
            "content[0].image_url.detail",
        ),
        ({**USERS, "content": [{"type": "input_audio", "input_audio": "x"}]}, "content[0].input_audio"),
        (
            {**USERS, "content": [{"type": "input_audio", "input_audio": {"data": 7, "format": "wav"}}]},
            "content[0].input_audio.data",
        ),
        (
            {**USERS, "content": [{"type": "input_audio", "input_audio": {"data": "x", "format": 7}}]},
            "content[0].input_audio.format",
        ),
        ({**USERS, "content": [{"type": "video_url", "video_url": []}]}, "content[0].video_url"),
        ({**USERS, "content": [{"type": "video_url", "video_url": {"url": 7}}]}, "content[0].video_url.url"),
        ({**USERS, "content": [{"type": "file", "file": "x"}]}, "content[0].file"),
        ({**USERS, "content": [{"type": "file", "file": {"file_id": 7}}]}, "content[0].file.file_id"),
        ({**USERS, "content": [{"type": "file", "file": {"file_data": 7}}]}, "content[0].file.file_data"),
        ({**USERS, "content": [{"type": "file", "file": {"file_id": "f", "filename": 7}}]}, "content[0].file.filename"),
        ({**USERS, "content": [{"type": "refusal", "refusal": 7}]}, "content[0].refusal"),
        ({**USERS, "content": "Hi", "name": 7}, "name"),
        ({**SAYING, "refusal": 7}, "refusal"),
        ({**SAYING, "reasoning": 7}, "reasoning"),
        ({**SAYING, "reasoning_content": ["Hm."]}, "reasoning_content"),
        ({**SAYING, "reasoning": 7, "reasoning_details": [{"text": "Hm."}]}, "reasoning"),
        ({**SAYING, "reasoning_details": {}}, "reasoning_details"),
        ({**SAYING, "reasoning_details": ["Hm."]}, "reasoning_details[0]"),
        ({**SAYING, "reasoning_details": [{"text": "Hm."}, {"text": 7}]}, "reasoning_details[1].text"),
        ({**SAYING, "reasoning_details": [{"signature": []}]}, "reasoning_details[0].signature"),
        ({**SAYING, "tool_calls": {}}, "tool_calls"),
        ({**SAYING, "tool_calls": [CALL, 7]}, "tool_calls[1]"),
        ({**SAYING, "tool_calls": [{**CALL, "id": 7}]}, "tool_calls[0].id"),
        ({**SAYING, "tool_calls": [{**CALL, "function": "f"}]}, "tool_calls[0].function"),
        ({**SAYING, "tool_calls": [{**CALL, "function": {"name": 7, "arguments": ""}}]}, "tool_calls[0].function.name"),
        (
            {**SAYING, "tool_calls": [{**CALL, "function": {"name": "f", "arguments": {}}}]},
            "tool_calls[0].function.arguments",
        ),
        (
            {**SAYING, "tool_calls": [{"id": "c", "type": "custom", "custom": {"name": "f", "input": {}}}]},
            "tool_calls[0].custom.input",
        ),
        ({"role": "tool", "content": "42", "tool_call_id": 7}, "tool_call_id"),
        ({"role": "tool", "content": 42, "tool_call_id": "c"}, "content"),
        ({"role": "tool", "content": [{"type": "text"}, 7], "tool_call_id": "c"}, "content[0].text"),
        ({"role": "tool", "content": "42", "tool_call_id": "c", "name": 7}, "name"),
    ],
    ids=lambda value: value if isinstance(value, str) else value["role"],
)
def test_a_wrong_type_names_the_field(fields: dict[str, Any], param: str) -> None:
    failure = refused(messages=[USER, fields])
    assert failure.field == f"messages[1].{param}"
    assert failure.code == ("missing_required_parameter" if param == "content[0].text" else "invalid_type")


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"content": "Hi"}, "role"),
        (USERS, "content"),
        ({**USERS, "content": None}, "content"),
        ({"role": "system"}, "content"),
        ({"role": "developer"}, "content"),
        (ASSISTANTS, "content"),
        ({**ASSISTANTS, "content": None, "tool_calls": []}, "content"),
        ({"role": "tool", "content": "42"}, "tool_call_id"),
        ({"role": "tool", "tool_call_id": "c"}, "content"),
        ({"role": "function", "name": "f"}, "content"),
        ({**USERS, "content": [{"text": "Hi"}]}, "content[0].type"),
        ({**USERS, "content": [{"type": "text"}]}, "content[0].text"),
        ({**USERS, "content": [{"type": "image_url"}]}, "content[0].image_url"),
        ({**USERS, "content": [{"type": "image_url", "image_url": {}}]}, "content[0].image_url.url"),
        ({**USERS, "content": [{"type": "input_audio"}]}, "content[0].input_audio"),
        ({**USERS, "content": [{"type": "input_audio", "input_audio": {"data": "x"}}]}, "content[0].input_audio.format"),
        ({**USERS, "content": [{"type": "input_audio", "input_audio": {"format": "wav"}}]}, "content[0].input_audio.data"),
        ({**USERS, "content": [{"type": "video_url"}]}, "content[0].video_url"),
        ({**USERS, "content": [{"type": "file"}]}, "content[0].file"),
        ({**USERS, "content": [{"type": "file", "file": {"filename": "a"}}]}, "content[0].file.file_data"),
        ({**USERS, "content": [{"type": "refusal"}]}, "content[0].refusal"),
        ({**SAYING, "tool_calls": [{"id": "c", "type": "function"}]}, "tool_calls[0].function"),
        ({**SAYING, "tool_calls": [{"id": "c", "type": "custom"}]}, "tool_calls[0].custom"),
        ({**SAYING, "tool_calls": [{"function": {"name": "f", "arguments": ""}}]}, "tool_calls[0].id"),
        ({**SAYING, "tool_calls": [{"id": "c", "function": {"arguments": ""}}]}, "tool_calls[0].function.name"),
        ({**SAYING, "tool_calls": [{"id": "c", "function": {"name": "f"}}]}, "tool_calls[0].function.arguments"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_missing_is_named(fields: dict[str, Any], param: str) -> None:
    failure = refused(messages=[USER, fields])
    assert (failure.field, failure.code) == (f"messages[1].{param}", "missing_required_parameter")


def test_an_unknown_role() -> None:
    failure = refused(messages=[USER, {"role": "wizard", "content": "Hi"}])
    assert (failure.field, failure.code) == ("messages[1].role", "invalid_value")
    assert "'wizard'" in failure.message
    assert "developer" in failure.message


@pytest.mark.parametrize("kind", ["mcp", 7, ["function"]])
def test_an_unknown_kind_of_tool_call(kind: object) -> None:
    failure = refused(messages=[{**SAYING, "tool_calls": [{**CALL, "type": kind}]}])
    assert failure.field == "messages[0].tool_calls[0].type"
