"""Whole answers of OpenAI's chat completions API and of its compatible vendors, their usage, and model lists.

Sources: https://platform.openai.com/docs/api-reference/chat/object and recorded answers; for usage those of openai-chat,
deepseek (prompt_cache_hit_tokens), mistral (num_cached_tokens), huggingface (cached_tokens), openrouter (cost,
cache_write_tokens), perplexity (cost object), and Groq's streams, which have x_groq.usage.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

from dragoman.v1.chat_pb2 import Candidate, ChatResponse, Logprobs, TokenLogprob
from dragoman.v1.content_pb2 import MEDIA_KIND_AUDIO, Media, Opaque, Part, Reasoning, ToolCall
from dragoman.v1.models_pb2 import Model
from dragoman.v1.usage_pb2 import COST_SOURCE_PROVIDER, Usage
from gateway_dialects.kit import json
from gateway_dialects.kit.call_ids import complete_calls
from gateway_dialects.kit.dialect import UsageReport
from gateway_dialects.kit.finish import check_finish, holds_calls, meaning_of, with_calls
from gateway_dialects.kit.json import Json
from gateway_dialects.openai import pictures, words
from gateway_dialects.openai.decode_errors import error_in_body
from gateway_dialects.openai.message_fields import place_signature, reasoning_of_item, take_citations, take_signature

if TYPE_CHECKING:
    from google.protobuf.internal.containers import RepeatedCompositeFieldContainer

ANSWER_FIELDS = frozenset(
    {"id", "object", "created", "model", "choices", "usage", "system_fingerprint", "service_tier", "error"}
)
CHOICE_FIELDS = frozenset({"index", "message", "delta", "finish_reason", "logprobs"})
MESSAGE_FIELDS = frozenset(
    {"role", "content", "refusal", "tool_calls", "reasoning", "reasoning_content", "reasoning_details", "audio", "images"}
)
AUDIO_FIELDS = frozenset({"data", "transcript"})
CALL_FIELDS = frozenset({"name", "arguments", "input"})
MODEL_LISTS = (("data", "id"), ("result", "name"), ("models", "name"))
"""Where a model list is and what its items are called by: OpenAI's, Cloudflare's, Cohere's."""
CACHE_READ_FIELDS = tuple(
    (name, "cache_read_tokens") for name in ("prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens")
)
"""Where it is when it is not among the details."""
NO_ID = "null"
"""What Mistral's older servers write for a tool call that has none."""
MARKS = ("system_fingerprint", "service_tier")
LARGEST_COUNT = 2**62
"""The sum of two still fits into the contract's int64."""


def decode_chat(body: bytes) -> ChatResponse:
    """See Dialect.chat."""
    return decode_answer(json.decode_body(body))


def decode_answer(answer: Json) -> ChatResponse:
    choices = answer.get("choices")
    if error := answer.get("error"):
        raise error_in_body(error)
    if not isinstance(choices, list) or not choices:
        raise json.malformed("the provider's answer has no choices")
    response = ChatResponse(
        id=json.text_of(answer.get("id")),
        model=json.text_of(answer.get("model")),
        created=json.int_of(answer.get("created"), 31),
    )
    for position, choice in enumerate(choices):
        decode_choice(response.candidates.add(), choice, position, response.id)
    if isinstance(usage := answer.get("usage") or usage_of_choices(answer), dict):
        decode_usage(response.usage, usage)
    set_marks(response, answer)
    if details := json.unknown_fields(answer, ANSWER_FIELDS):
        words.set_details(response, details)
    return response


def set_marks(target: Any, answer: Json) -> None:
    """system_fingerprint and service_tier, on ChatResponse, Started or Finished."""
    for name in MARKS:
        if name in answer and isinstance(mark := answer[name], str):
            setattr(target, name, mark)


def decode_choice(candidate: Candidate, choice: Any, position: int, answer_id: str) -> None:
    """Written in place, like everything below: a message built apart is copied when it is put where it belongs."""
    if not isinstance(choice, dict) or not isinstance(message := choice.get("message"), dict):
        raise json.malformed(f"choices[{position}] of the provider's answer has no message")
    if error := choice.get("error"):
        raise error_in_body(error)
    raw = json.text_of(choice.get("finish_reason"))
    check_finish(raw)
    candidate.index = json.int_of(choice.get("index", position), 31)
    candidate.finish_reason = meaning_of(raw)
    candidate.raw_finish_reason = raw
    decode_message(candidate.parts, message)
    candidate.finish_reason = with_calls(candidate.finish_reason, holds_calls(candidate.parts))
    complete_calls(candidate, answer_id, by_arguments=True)
    if isinstance(logprobs := choice.get("logprobs"), dict):
        candidate.logprobs.CopyFrom(decode_logprobs(logprobs))
    details = json.unknown_fields(choice, CHOICE_FIELDS)
    if extra := decode_message_fields(candidate.parts, json.unknown_fields(message, MESSAGE_FIELDS)):
        details["message"] = extra
    if details:
        words.set_details(candidate, details)


def decode_message(parts: RepeatedCompositeFieldContainer[Part], message: Json) -> None:
    """The parts of an assistant message, reasoning first, as a stream gives them."""
    parts.extend(decode_reasoning(message))
    if isinstance(content := message.get("content"), str):
        parts.add().text = content
    elif content is not None:
        parts.extend(decode_content(content))
    if isinstance(refusal := message.get("refusal"), str):
        parts.add().refusal = refusal
    if isinstance(audio := message.get("audio"), dict):
        parts.append(decode_audio(audio))
    if pictures.FIELD in message:
        parts.extend(pictures.pictures_in(message))
    parts.extend(decode_tool_call(call) for call in json.as_list(message.get("tool_calls"), "tool_calls"))


def decode_message_fields(parts: RepeatedCompositeFieldContainer[Part], extra: Json) -> Json:
    """Put the citations and the signature of a message on its parts. Returns the other fields, which the contract does not
    name."""
    if "annotations" in extra:
        take_citations(parts, extra)
    if "extra_content" in extra:
        whole = extra["extra_content"]
        texts = [part for part in parts if part.HasField("text")]
        if (signature := take_signature(extra)) and not place_signature(texts, signature):
            extra["extra_content"] = whole
    return extra


def decode_reasoning(message: Json) -> Iterator[Part]:
    present = strings_with_reasoning(message)
    if "reasoning_details" in message and (items := json.list_at(message, "reasoning_details")):
        for item in items:
            yield decode_reasoning_item(item, present)
    elif present:
        yield reasoning_of_strings(message, present)


def strings_with_reasoning(message: Json) -> list[str]:
    """Which of the string fields of a message or delta hold reasoning."""
    return [name for name in words.REASONING_STRINGS if name in message and json.text_of(message[name])]


def reasoning_of_strings(message: Json, present: Sequence[str]) -> Part:
    """Records which of the two spellings the provider used; reasoning_content alone is the default."""
    part = Part(reasoning=Reasoning(text=message[present[0]]))
    if present != ["reasoning_content"]:
        json.set_form(part, words.DIALECT, words.PartForm(strings=tuple(present)))
    return part


def decode_reasoning_item(item: Any, strings: Sequence[str] = ()) -> Part:
    """One item of reasoning_details. strings: the fields that repeat the texts of all items."""
    return reasoning_of_item(item, strings) if isinstance(item, dict) else opaque(item)


def opaque(item: Any) -> Part:
    return Part(opaque=Opaque(dialect=words.DIALECT, json=json.json_text(item)))


def decode_content(content: Any) -> Iterator[Part]:
    """Content in another form than text."""
    if isinstance(content, list):
        for item in content:
            yield decode_content_item(item)
    else:
        # Cloudflare's JSON mode gives the object itself.
        yield Part(text=json.json_text(content))


def decode_content_item(item: Any) -> Part:
    match item:
        case {"type": "text", "text": str(text)}:
            return Part(text=text)
        case {"type": "thinking", "thinking": [*chunks]} if not chunks or any(map(is_text, chunks)):
            return decode_thinking(item, chunks)
        case _:
            return opaque(item)


def decode_thinking(item: Json, chunks: Sequence[Any]) -> Part:
    """A piece of Mistral's content list."""
    text = "".join(json.text_of(chunk.get("text")) for chunk in chunks if is_text(chunk))
    part = Part(reasoning=Reasoning(text=text, signature=json.text_of(item.get("signature"))))
    words.set_details(part, json.unknown_fields(item, frozenset({"type", "thinking", "signature"})))
    return part


def is_text(chunk: Any) -> bool:
    return isinstance(chunk, dict) and isinstance(chunk.get("text"), str)


def decode_audio(audio: Json) -> Part:
    data = json.text_of(audio.get("data"))
    part = Part(media=Media(kind=MEDIA_KIND_AUDIO, transcript=json.text_of(audio.get("transcript"))))
    try:
        part.media.data = base64.b64decode(data, validate=True)
    except ValueError:
        part.media.uri = f"data:;base64,{data}"
    words.set_details(part, json.unknown_fields(audio, AUDIO_FIELDS))
    return part


def decode_tool_call(call: Any) -> Part:
    if not isinstance(call, dict):
        raise json.malformed("a tool call of the provider's answer is not an object")
    part, kind, inner = begin_tool_call(call)
    if kind == "custom":
        part.tool_call.input = json.text_of(inner.get("input"))
    else:
        part.tool_call.arguments_json = arguments_of(inner.get("arguments"))
    return part


def begin_tool_call(call: Json) -> tuple[Part, str, Json]:
    """The part of a call without its arguments; function or custom; and the object with name and arguments."""
    kind = "custom" if isinstance(call.get("custom"), dict) else "function"
    inner = json.object_at(call, kind)
    part = Part(tool_call=ToolCall(id=id_of(call), name=json.text_of(inner.get("name"))))
    # The position means nothing in a whole answer, and replaying it makes strict vendors refuse the next turn.
    details = json.unknown_fields(call, frozenset({"id", "type", "index", kind}))
    if "extra_content" in details and (signature := take_signature(details)):
        place_signature((part,), signature)
    if extra := json.unknown_fields(inner, CALL_FIELDS):
        details[kind] = extra
    words.set_details(part, details)
    return part, kind, inner


def id_of(call: Json) -> str:
    call_id = json.text_of(call.get("id"))
    return "" if call_id == NO_ID else call_id


def arguments_of(value: Any) -> str:
    """A tool that takes nothing is called with {}, whatever the provider writes for it."""
    if value is None or value == "":
        return "{}"
    return value if isinstance(value, str) else json.json_text(value)


def decode_logprobs(logprobs: Json) -> Logprobs:
    return Logprobs(
        content=[decode_token(token) for token in json.as_list(logprobs.get("content"), "logprobs.content")],
        refusal=[decode_token(token) for token in json.as_list(logprobs.get("refusal"), "logprobs.refusal")],
    )


def decode_token(token: Any) -> TokenLogprob:
    token = json.as_object(token, "a token's log-probability")
    decoded = TokenLogprob(token=json.text_of(token.get("token")), logprob=json.float_of(token.get("logprob")))
    if isinstance(octets := token.get("bytes"), list):
        decoded.token_bytes = bytes(octet for octet in octets if type(octet) is int and 0 <= octet < 256)
    decoded.top.extend(decode_token(other) for other in json.as_list(token.get("top_logprobs"), "top_logprobs"))
    return decoded


def decode_usage(usage: Usage, raw: Json) -> None:
    """Fills an empty usage. Never raises: a field of an unexpected type is left out of the typed counts and stays in
    raw_json."""
    usage.input_tokens = input_tokens = count(raw.get("prompt_tokens"))
    usage.output_tokens = output_tokens = count(raw.get("completion_tokens"))
    usage.total_tokens = count(raw.get("total_tokens")) or input_tokens + output_tokens
    usage.raw_json = json.json_text(raw)
    usage.raw_dialect = words.DIALECT
    if "prompt_tokens_details" in raw:
        set_subsets(usage, raw["prompt_tokens_details"], words.INPUT_SUBSETS)
    if "completion_tokens_details" in raw:
        set_subsets(usage, raw["completion_tokens_details"], words.OUTPUT_SUBSETS)
    if not usage.HasField("cache_read_tokens"):
        set_subsets(usage, raw, CACHE_READ_FIELDS)
    if usage.reasoning_tokens:
        include_reasoning(usage)
    if (total := cost_of(raw.get("cost"))) is not None:
        usage.cost.total_usd, usage.cost.source = total, COST_SOURCE_PROVIDER


def include_reasoning(usage: Usage) -> None:
    """xAI counts reasoning beside the answer: the total tells (https://docs.x.ai/docs/guides/reasoning)."""
    reasoning = usage.reasoning_tokens
    if usage.total_tokens == usage.input_tokens + usage.output_tokens + reasoning:
        usage.output_tokens += reasoning


def set_subsets(usage: Usage, details: Any, subsets: tuple[tuple[str, str], ...]) -> None:
    if not isinstance(details, dict):
        return
    for theirs, ours in subsets:
        value = details.get(theirs)
        if value is not None and is_count(value):
            setattr(usage, ours, int(value))


def is_count(value: Any) -> TypeGuard[int | float]:
    """Some vendors write whole numbers as floats."""
    return type(value) in (int, float) and 0 <= value < LARGEST_COUNT


def count(value: Any) -> int:
    return int(value) if is_count(value) else 0


def cost_of(value: Any) -> float | None:
    if isinstance(value, dict):
        value = value.get("total_cost")
    return float(value) if is_count(value) else None


def find_usage(answer: Json) -> UsageReport | None:
    """See Dialect.find_usage: of chat completions, completions and embeddings, in whole answers and in events."""
    usage = answer.get("usage") or json.object_at(answer, "x_groq").get("usage") or usage_of_choices(answer)
    if not isinstance(usage, dict) or not ("prompt_tokens" in usage or "completion_tokens" in usage):
        return None
    return UsageReport(usage, json.text_of(answer.get("model")), json.text_of(answer.get("service_tier")))


def usage_of_choices(answer: Json) -> Any:
    """Moonshot's: in the last choice of a stream (https://platform.moonshot.ai/docs/api/chat)."""
    return next((usage for choice in json.objects_at(answer, "choices") if (usage := choice.get("usage"))), None)


def read_usage(raw: Json) -> Usage:
    """See Dialect.read_usage."""
    usage = Usage()
    decode_usage(usage, raw)
    return usage


def decode_list_models(body: bytes, provider: str) -> Sequence[Model]:
    """A model list: {"data": [...]}, the bare list that Together gives, or a vendor's own list, whose items have a name."""
    try:
        answer = json.decode_json(body)
    except json.UNREADABLE:
        raise json.malformed(f"the provider's model list is not JSON; it begins with {body[:80]!r}") from None
    id_field = "id"
    if isinstance(answer, dict):
        field, id_field = next((names for names in MODEL_LISTS if names[0] in answer), MODEL_LISTS[0])
        answer = answer[field] or [] if field in answer else None
    if not isinstance(answer, list):
        raise json.malformed("the provider's model list has no data")
    items = (item for item in answer if isinstance(item, dict) and json.text_of(item.get(id_field)))
    return [decode_model({**item, "id": item[id_field]}, provider) for item in items]


def decode_model(item: Json, provider: str) -> Model:
    model = Model(
        id=f"{provider}/{json.text_of(item['id']).removeprefix('models/')}",
        provider=provider,
        created=json.int_of(item.get("created"), 31) or json.int_of(item.get("created_at"), 31),
        owned_by=json.text_of(item.get("owned_by")),
        display_name=json.text_of(item.get("name")) or json.text_of(item.get("display_name")),
    )
    for name in ("context_length", "context_window", "max_context_length"):
        if length := json.int_of(item.get(name)):
            model.context_length = length
            break
    words.set_details(model, json.unknown_fields(item, frozenset({"id", "object", "created", "owned_by"})))
    return model
