from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import RESPONSE_FORMAT_TYPE_JSON_SCHEMA
from tests.gateway_dialects.cohere.client.asking import TOOL, asked, question, sent

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"b": {"type": "integer"}, "a": {}}, "required": ["b"]}
USER = {"role": "user", "content": "Hi"}


def schema_form(schema: object = SCHEMA, **more: object) -> dict[str, Any]:
    return {"type": "json_schema", "json_schema": {"name": "n", "schema": schema, **more}}


def test_a_schema() -> None:
    body, warned = asked(response_format=schema_form(strict=True))

    assert body == {"messages": [USER], "response_format": {"type": "json_object", "json_schema": SCHEMA}}
    assert list(body["response_format"]["json_schema"]["properties"]) == ["b", "a"]
    assert warned == []


def test_the_description_of_a_schema_stands_in_it() -> None:
    assert asked(response_format=schema_form(description="A pair"))[0]["response_format"]["json_schema"] == {
        **SCHEMA,
        "description": "A pair",
    }


def test_any_object() -> None:
    assert asked(response_format={"type": "json_object"})[0]["response_format"] == {"type": "json_object"}
    assert asked(response_format={"type": "json_schema", "json_schema": {"name": "n"}})[0]["response_format"] == {
        "type": "json_object"
    }


def test_plain_text_needs_no_words() -> None:
    assert asked(response_format={"type": "text"}) == ({"messages": [USER]}, [])


@pytest.mark.parametrize("beside", [{"tools": [TOOL]}, {"documents": [{"data": {"text": "x"}}]}], ids=["tools", "documents"])
def test_beside_tools_and_documents_the_form_is_asked_for_in_words(beside: dict[str, Any]) -> None:
    system = {"role": "system", "content": "Be brief."}
    body, warned = asked(messages=[system, USER], response_format=schema_form(), **beside)

    assert "response_format" not in body
    assert [message["role"] for message in body["messages"]] == ["system", "system", "user"]
    assert body["messages"][1]["content"].endswith(
        '\n\n{"type":"object","properties":{"b":{"type":"integer"},"a":{}},"required":["b"]}'
    )
    assert warned == ["response_format"]


def test_a_schema_that_is_no_object_is_asked_for_in_words() -> None:
    body, warned = asked(response_format=schema_form({"type": "array", "items": {"type": "integer"}}))

    assert body["messages"][0]["content"].endswith('\n\n{"type":"array","items":{"type":"integer"}}')
    assert warned == ["response_format"]


def test_any_object_beside_tools() -> None:
    body, warned = asked(tools=[TOOL], response_format={"type": "json_object"})

    assert body["messages"][0]["role"] == "system"
    assert "JSON object" in body["messages"][0]["content"]
    assert warned == ["response_format"]


def test_a_schema_that_is_broken() -> None:
    request = question()
    request.response_format.type, request.response_format.schema_json = RESPONSE_FORMAT_TYPE_JSON_SCHEMA, "[1"
    with pytest.raises(GatewayError) as caught:
        sent(request)
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_REQUEST, "response_format.json_schema.schema")


def test_a_form_of_the_future() -> None:
    request = question()
    request.response_format.type = 9  # type: ignore[assignment]
    with pytest.raises(GatewayError) as caught:
        sent(request)
    assert caught.value.field == "response_format.type"
