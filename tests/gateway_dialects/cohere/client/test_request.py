import json
from typing import Any

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import RESPONSE_FORMAT_TYPE_JSON_OBJECT, ChatRequest
from dragoman.v1.content_pb2 import MEDIA_KIND_FILE, ROLE_ASSISTANT, Media, Part, Reasoning, ToolCall
from gateway_dialects.cohere import CLIENT as COHERE
from gateway_dialects.kit.dialect import Endpoint, Secret
from tests.gateway_dialects.cohere.client.asking import ENDPOINT, REASONING, asked, question, sent

HI = [{"role": "user", "content": "Hi"}]


def test_what_is_sent_where() -> None:
    upstream, warnings = COHERE.encode_chat(question(), "command-a-03-2025", ENDPOINT, True)

    assert (upstream.method, upstream.url) == ("POST", "https://api.cohere.ai/v2/chat")
    assert upstream.headers == {"content-type": "application/json", "authorization": "Bearer k"}
    assert json.loads(upstream.body) == {"model": "command-a-03-2025", "messages": HI, "stream": True}
    assert list(warnings) == []


@pytest.mark.parametrize("end", ["", "/v1", "/v2"])
def test_a_base_url_may_have_a_version_at_its_end(end: str) -> None:
    endpoint = Endpoint("c", "cohere", "https://host/base" + end, (Secret("k"),), {"x-client-name": "us"})
    upstream, _ = COHERE.encode_chat(question(), "m", endpoint, False)

    assert upstream.url == "https://host/base/v2/chat"
    assert upstream.headers["x-client-name"] == "us"


def test_settings_have_other_names_here() -> None:
    body, warned = asked(
        temperature=0.7,
        top_p=0.9,
        top_k=40,
        seed=7,
        stop=["END", "STOP"],
        frequency_penalty=0.5,
        presence_penalty=0,
        max_completion_tokens=100,
        max_tokens=200,
        logprobs=True,
        top_logprobs=0,
        n=1,
        service_tier="auto",
        modalities=["text"],
    )

    assert body == {
        "messages": HI,
        "temperature": 0.7,
        "p": 0.9,
        "k": 40,
        "seed": 7,
        "stop_sequences": ["END", "STOP"],
        "frequency_penalty": 0.5,
        "presence_penalty": 0.0,
        "max_tokens": 100,
        "logprobs": True,
    }
    assert warned == []


def test_the_older_token_bound_is_read_too() -> None:
    assert asked(max_tokens=200)[0]["max_tokens"] == 200


@pytest.mark.parametrize(
    ("field", "value", "name", "arrives"),
    [
        ("top_p", 1, "p", 0.99),
        ("top_p", 0, "p", 0.01),
        ("frequency_penalty", 2, "frequency_penalty", 1.0),
        ("frequency_penalty", -0.5, "frequency_penalty", 0.0),
        ("presence_penalty", 1.5, "presence_penalty", 1.0),
    ],
)
def test_what_is_out_of_range_is_moved_into_it_with_a_warning(field: str, value: Any, name: str, arrives: float) -> None:
    body, warned = asked(**{field: value})

    assert body == {"messages": HI, name: arrives}
    assert warned == [field]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("logit_bias", {"5": 1}),
        ("top_logprobs", 3),
        ("verbosity", "low"),
        ("user", "u1"),
        ("service_tier", "priority"),
        ("modalities", ["text", "audio"]),
        ("store", True),
        ("metadata", {"a": "b"}),
    ],
)
def test_what_this_provider_does_not_have_is_left_out_with_a_warning(field: str, value: Any) -> None:
    assert asked(**{field: value}) == ({"messages": HI}, [field])


def test_several_candidates_are_refused() -> None:
    with pytest.raises(GatewayError) as caught:
        asked(n=2)
    assert (caught.value.reason, caught.value.field) == (Reason.UNSUPPORTED, "n")


def test_fields_of_cohere_in_the_body_of_another_client_reach_it() -> None:
    extra: dict[str, Any] = {
        "documents": [{"id": "1", "data": {"text": "x"}}],
        "citation_options": {"mode": "FAST"},
        "safety_mode": "STRICT",
        "priority": 2,
        "thinking": {"type": "enabled", "token_budget": 99},
    }
    request = question()
    request.extra_body_json = json.dumps({**extra, "store": True, "model": "other"})

    assert sent(request, REASONING) == ({"messages": HI, **extra}, ["store"])


def test_options_of_this_dialect_reach_it_and_those_of_others_do_not() -> None:
    request = question()
    request.provider_options_json["cohere"] = '{"new_knob":{"a":1},"model":"other","messages":[],"stream":true}'
    request.provider_options_json["cohere.form"] = request.provider_options_json["gemini.form"] = '{"x":1}'
    request.provider_options_json["anthropic"] = '{"container":"c"}'

    assert sent(request) == ({"messages": HI, "new_knob": {"a": 1}}, ["container"])


@pytest.mark.parametrize("text", ["", "x", "[]", "1", '{"a":1} {"b":2}'])
def test_broken_options_are_refused(text: str) -> None:
    request = question()
    request.provider_options_json["cohere"] = text
    with pytest.raises(GatewayError) as caught:
        sent(request)
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_REQUEST, "provider_options_json.cohere")


@pytest.mark.parametrize(
    "text", ["x", "[1]", '"text"', '{"citations":5}', '{"function":[1]}', '{"plan":5,"content":1,"source":""}']
)
@pytest.mark.parametrize("name", ["cohere", "cohere.form"])
def test_broken_details_are_refused_or_passed_on(name: str, text: str) -> None:
    request = question()
    parts = [Part(text="Hi"), Part(reasoning=Reasoning(text="Hm")), Part(tool_call=ToolCall(id="c", name="f"))]
    request.messages.add(role=ROLE_ASSISTANT, parts=parts)
    request.messages[1].parts[0].citations.add()
    request.tools.add().function.name = "f"
    request.response_format.type = RESPONSE_FORMAT_TYPE_JSON_OBJECT
    whole = request.SerializeToString()
    for index in range(len(holders_of(request))):
        request.ParseFromString(whole)
        holders_of(request)[index].provider_details_json[name] = text
        try:
            sent(request)
        except GatewayError as failure:
            assert failure.reason is Reason.INVALID_REQUEST


def holders_of(request: ChatRequest) -> list[Any]:
    """Everything of a request that has details."""
    asked_for, answer = request.messages
    spoken = [*answer.parts, *answer.parts[0].citations]
    return [asked_for, *asked_for.parts, answer, *spoken, request.tools[0], request.response_format, request.reasoning]


def test_documents_of_another_type_beside_attached_ones() -> None:
    request = question(Part(media=Media(kind=MEDIA_KIND_FILE, data=b"x", mime_type="text/plain")))
    request.extra_body_json = '{"documents":5}'
    with pytest.raises(GatewayError) as caught:
        sent(request)
    assert (caught.value.reason, caught.value.field) == (Reason.INVALID_REQUEST, "documents")
