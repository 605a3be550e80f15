"""A Response object, whole or as it grows.

Source: https://platform.openai.com/docs/api-reference/responses/object. Every field of the schema is there, null where it
says null: strict clients refuse an answer that leaves one out.
"""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from dragoman.v1.chat_pb2 import (
    FINISH_REASON_CONTENT_FILTER,
    FINISH_REASON_ERROR,
    FINISH_REASON_LENGTH,
    Candidate,
    ChatResponse,
    FinishReason,
)
from dragoman.v1.stream_pb2 import Finished, Started
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.kit.json import Json, decode_json, encode_json
from gateway_dialects.openai_responses.render_items import ItemIds, render_output
from gateway_dialects.openai_responses.server_details import CHAT_FORM, DIALECT, details_of

DEFAULTS: Json = {
    "background": False,
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": None,
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "usage": None,
    "user": None,
    "metadata": {},
}
"""What OpenAI shows of a request that says nothing of it."""
GATEWAY_FIELDS = ("previous_response_id", "store", "metadata", "background")
"""What the gateway does itself: the provider's own word for it is another matter."""
SERVICE_TIERS = frozenset({"auto", "default", "flex", "scale", "priority"})
INCOMPLETE: Mapping[FinishReason.ValueType, str] = {
    FINISH_REASON_LENGTH: "max_output_tokens",
    FINISH_REASON_CONTENT_FILTER: "content_filter",
}
FAILED: Json = {"code": "server_error", "message": "the provider reports that generation failed"}


def render_response(answer: ChatResponse, echo: Json, fallback_id: str, now: int) -> bytes:
    """The JSON body. echo: ParsedCreate's. fallback_id (resp_...) and now (Unix seconds) stand in where the provider gave
    none."""
    return encode_json(response_object(answer, echo, fallback_id, now))


def response_object(answer: ChatResponse, echo: Json, fallback_id: str, now: int) -> Json:
    """See render_response."""
    response_id = response_id_of(answer.id, fallback_id)
    candidate = answer.candidates[0] if answer.candidates else Candidate()
    body = begin(response_id, answer.model or answer.route.model, answer.created or now, echo)
    add_details(body, answer, echo)
    is_cut = candidate.finish_reason in INCOMPLETE
    output = render_output(candidate.parts, candidate.logprobs.content, ItemIds(response_id), is_cut=is_cut)
    usage = answer.usage if answer.HasField("usage") else None
    conclude(body, candidate, output, usage)
    return body


def response_id_of(given: str, fallback_id: str) -> str:
    """Clients know a response by how its id begins."""
    return given if given.startswith("resp_") else fallback_id


def begin(response_id: str, model: str, created: int, echo: Json) -> Json:
    """A Response that has no output yet."""
    head: Json = {"id": response_id, "object": "response", "created_at": created, "status": "in_progress", "model": model}
    body = {**head, "output": [], **DEFAULTS, **echo}
    body["text"] = {**DEFAULTS["text"], **body["text"]}
    body["reasoning"] = {**DEFAULTS["reasoning"], **body["reasoning"]}
    body["tools"] = [with_nulls(tool) for tool in body["tools"]]
    body["metadata"] = dict(body["metadata"])
    return body


def with_nulls(tool: Json) -> Json:
    """A function is shown with what it left unsaid."""
    return {"parameters": None, "strict": None, **tool} if tool.get("type") == "function" else tool


def add_details(body: Json, answer: ChatResponse | Started | Finished, echo: Json) -> None:
    """What the provider says of the answer. Of what the gateway does itself, it says only what the client did not; another
    dialect's words for a class of service would be refused by typed clients."""
    details = details_of(answer.provider_details_json)
    if answer.HasField("service_tier") and (answer.service_tier in SERVICE_TIERS or details):
        body["service_tier"] = answer.service_tier
    body.update({name: value for name, value in details.items() if name not in GATEWAY_FIELDS or name not in echo})


def conclude(body: Json, ending: Any, output: list[Json], usage: Usage | None) -> None:
    """ending: a Candidate or CandidateFinish."""
    reason = ending.finish_reason
    body["output"] = output
    body["usage"] = render_usage(usage) if usage is not None else None
    if reason in INCOMPLETE:
        body["status"], body["incomplete_details"] = "incomplete", {"reason": INCOMPLETE[reason]}
    elif reason == FINISH_REASON_ERROR:
        body["status"], body["error"] = "failed", FAILED
    else:
        body["status"] = "completed"
    annotate(output, ending.provider_details_json.get(CHAT_FORM, ""))


def annotate(output: list[Json], chat_form: str) -> None:
    """Sources that another provider named, on the text in which they are."""
    texts = [piece for item in output if item.get("type") == "message" for piece in item["content"] if "text" in piece]
    if chat_form and not any(piece["annotations"] for piece in texts):
        for piece, sources in zip(texts, sources_by_text([piece["text"] for piece in texts], chat_form), strict=True):
            piece["annotations"] = sources


def sources_by_text(texts: Sequence[str], chat_form: str) -> list[list[Json]]:
    """The url_citation annotations of each text. chat_form: the details in which they count from the whole text's beginning;
    those without a place belong to the last text."""
    message = decode_json(chat_form).get("message") if chat_form else None
    annotations = message.get("annotations") if isinstance(message, dict) else None
    found: list[list[Json]] = [[] for _ in texts]
    starts = list(itertools.accumulate((len(text) for text in texts), initial=0))[: len(texts)]
    for annotation in annotations if texts and isinstance(annotations, list) else ():
        cited = annotation.get("url_citation") if isinstance(annotation, dict) else None
        if isinstance(cited, dict) and isinstance(cited.get("url"), str):
            begin = cited.get("start_index")
            place = bisect.bisect_right(starts, max(0, begin)) - 1 if isinstance(begin, int) else len(texts) - 1
            found[place].append(url_citation(cited, starts[place]))
    return found


def url_citation(cited: Json, start: int) -> Json:
    places = {
        name: max(0, value - start) if isinstance(value := cited.get(name), int) else 0
        for name in ("start_index", "end_index")
    }
    return {"type": "url_citation", **places, "title": cited.get("title") or "", "url": cited["url"]}


def render_usage(usage: Usage) -> Json:
    """As the provider wrote it when it speaks this dialect, with all that typed clients need."""
    raw: Json = decode_json(usage.raw_json) if usage.raw_dialect == DIALECT and usage.raw_json else {}
    read = {"cached_tokens": usage.cache_read_tokens, "cache_write_tokens": usage.cache_write_tokens}
    return {
        **raw,
        "input_tokens": usage.input_tokens,
        "input_tokens_details": {**read, **object_of(raw.get("input_tokens_details"))},
        "output_tokens": usage.output_tokens,
        "output_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            **object_of(raw.get("output_tokens_details")),
        },
        "total_tokens": usage.total_tokens,
    }


def object_of(value: Any) -> Json:
    return value if isinstance(value, dict) else {}
