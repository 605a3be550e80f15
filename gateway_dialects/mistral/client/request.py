"""A ChatRequest in the words of Mistral's chat completions API.

Source: https://docs.mistral.ai/api (chat completions), the models of the package mistralai 3.7, and recorded requests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import ChatRequest, ReasoningSettings
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.kit.dialect import Endpoint, Quirks, UpstreamRequest
from gateway_dialects.kit.json import Json, decode_object, encode_json
from gateway_dialects.kit.legacy import SHAPE_ERRORS
from gateway_dialects.mistral.client.details import DIALECT
from gateway_dialects.mistral.client.messages import encode_messages
from gateway_dialects.mistral.client.remarks import Remarks
from gateway_dialects.mistral.client.tools import encode_tools
from gateway_dialects.openai.encode_request import encode_response_format, headers, merge_options
from gateway_dialects.openai.words import DIALECT as OPENAI
from gateway_dialects.openai.words import ON_OR_OFF, known_effort

PLAIN_FIELDS = {
    **{name: name for name in ("parallel_tool_calls", "temperature", "top_p", "top_k", "logprobs", "top_logprobs")},
    **{name: name for name in ("frequency_penalty", "presence_penalty")},
    "seed": "random_seed",
    "candidate_count": "n",
    "max_output_tokens": "max_tokens",
}
"""Contract fields by their names here."""
OPTION_FIELDS = frozenset(
    {
        *("metadata", "prompt_cache_key", "guardrails", "safe_prompt", "prompt_mode", "random_seed", "prediction"),
        *("min_tokens", "repetition_penalty", "prompt_logprobs", "top_prompt_logprobs"),
    }
)
"""What Mistral knows of the fields that the contract does not name."""
FIM_PATH = "/fim/completions"
SERVICE_TIERS = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}
EFFORTS = (("", ON_OR_OFF),)
QUIRKS = Quirks(max_tokens_field="max_tokens", stream_usage=False)


def encode_chat(
    request: ChatRequest, model: str, endpoint: Endpoint, stream: bool
) -> tuple[UpstreamRequest, Sequence[Warning]]:
    """See Dialect.encode_chat."""
    remarks = Remarks()
    try:
        body = encode_body(request, model, remarks)
        path = FIM_PATH if fill_gap(body) else endpoint.quirks.chat_path
        if stream:
            # Usage comes unasked, and stream_options is refused.
            body["stream"] = True
        content = encode_json(body)
    except SHAPE_ERRORS as error:
        raise invalid("", f"a JSON field of the request (options or details) is broken or misshapen: {error}") from error
    for warning in remarks.warnings:
        warning.provider = endpoint.provider
    return UpstreamRequest("POST", endpoint.url + path, headers(endpoint), content), remarks.warnings


def fill_gap(body: Json) -> bool:
    """Make the body of a chat that consists of a gap to fill (https://docs.mistral.ai/api, fim) what it takes instead of
    messages: a prompt and a suffix. False: it is a chat like others."""
    match body["messages"]:
        case [{"content": [{"type": "fim"} as gap]}]:
            del body["messages"]
            body.update((name, value) for name, value in gap.items() if name != "type")
            return True
    return False


def encode_body(request: ChatRequest, model: str, remarks: Remarks) -> Json:
    """The request's JSON body without its streaming flag."""
    body: Json = {"model": model, "messages": encode_messages(request.messages, remarks)}
    encode_tools(body, request, remarks)
    for descriptor, value in request.ListFields():
        name = descriptor.name
        if name in PLAIN_FIELDS:
            body[PLAIN_FIELDS[name]] = value
        elif encode_field := FIELD_ENCODERS.get(name):
            encode_field(body, value, remarks)
    if request.provider_options_json:
        encode_options(body, request.provider_options_json, remarks)
    return body


def encode_options(body: Json, options: Mapping[str, str], remarks: Remarks) -> None:
    """What clients of Mistral's form say goes as it is; what others say, where Mistral knows it."""
    for dialect, text in options.items():
        fields = decode_object(text)
        if dialect != DIALECT:
            known = OPTION_FIELDS if dialect == OPENAI else frozenset()
            for name in [name for name in fields if name not in known and not name.startswith("$")]:
                del fields[name]
                remarks.leave_out(name)
        if isinstance(prediction := fields.get("prediction"), dict):
            fields["prediction"] = encode_prediction(prediction)
        if dialect in (DIALECT, OPENAI):
            merge_options(body, fields)


def encode_prediction(prediction: Json) -> Json:
    """Mistral takes the expected text as one string, OpenAI also as a list of parts."""
    content = prediction.get("content")
    if not isinstance(content, list):
        return prediction
    return {**prediction, "content": "".join(part["text"] for part in content)}


def encode_max_tokens(body: Json, bound: int, remarks: Remarks) -> None:
    body.setdefault("max_tokens", bound)


def encode_stop(body: Json, stop: Any, remarks: Remarks) -> None:
    body["stop"] = list(stop)


def encode_form(body: Json, form: Any, remarks: Remarks) -> None:
    encode_response_format(body, form, QUIRKS, remarks.warnings)
    if "json_schema" in body.get("response_format", ()):
        body["response_format"]["json_schema"].setdefault("name", "answer")


def encode_reasoning(body: Json, reasoning: ReasoningSettings, remarks: Remarks) -> None:
    """There is an effort and nothing else; its models always show what they think."""
    if reasoning.effort:
        body["reasoning_effort"] = known_effort(reasoning.effort, body["model"], EFFORTS, remarks.warnings)
    elif reasoning.HasField("enabled"):
        body["reasoning_effort"] = "high" if reasoning.enabled else "none"
    for name in ("max_tokens", "summary", "exclude"):
        if getattr(reasoning, name):
            remarks.leave_out(f"reasoning.{name}")


def encode_service_tier(body: Json, tier: str, remarks: Remarks) -> None:
    if tier in SERVICE_TIERS:
        body["service_tier"] = SERVICE_TIERS[tier]
    else:
        remarks.leave_out("service_tier", f"Mistral knows {' and '.join(sorted(set(SERVICE_TIERS.values())))} only")


def encode_modalities(body: Json, modalities: Any, remarks: Remarks) -> None:
    if set(modalities) != {"text"}:
        remarks.leave_out("modalities", "Mistral answers in text only")


def leave_out(name: str) -> Callable[[Json, Any, Remarks], None]:
    return lambda body, value, remarks: remarks.leave_out(name)


FIELD_ENCODERS: Mapping[str, Callable[[Json, Any, Remarks], None]] = {
    "max_tokens": encode_max_tokens,
    "stop": encode_stop,
    "response_format": encode_form,
    "reasoning": encode_reasoning,
    "service_tier": encode_service_tier,
    "modalities": encode_modalities,
    **{name: leave_out(name) for name in ("logit_bias", "verbosity", "user")},
}
