"""Whole answers as a text completion. Source: https://platform.openai.com/docs/api-reference/completions/object, and
recorded answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dragoman.v1.chat_pb2 import Candidate, ChatResponse, FinishReason, Logprobs
from dragoman.v1.content_pb2 import Part
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.completions.server.parse import ParsedTexts
from gateway_dialects.kit.json import Json, encode_json
from gateway_dialects.openai.server.render import finish_reason as chat_reason
from gateway_dialects.openai.server.render import render_usage

OBJECT = "text_completion"
REASONS = frozenset({"stop", "length", "content_filter"})


def render_texts(answers: Sequence[ChatResponse], asked: ParsedTexts, fallback_id: str, now: int) -> bytes:
    """The JSON body of the answers, one for each prompt. fallback_id and now (Unix seconds) stand in where the provider gave
    none."""
    first = answers[0]
    body: Json = {
        "id": first.id or fallback_id,
        "object": OBJECT,
        "created": first.created or now,
        "model": first.model or first.route.model,
        "choices": [
            render_text(candidate, place * asked.count, prompt, asked)
            for place, (prompt, answer) in enumerate(zip(asked.prompts, answers, strict=True))
            for candidate in answer.candidates
        ],
    }
    usages = [answer.usage for answer in answers if answer.HasField("usage")]
    body["usage"] = render_usage(total_of(usages)) if usages else None
    if first.HasField("system_fingerprint"):
        body["system_fingerprint"] = first.system_fingerprint
    return encode_json(body)


def render_text(candidate: Candidate, base: int, prompt: str, asked: ParsedTexts) -> Json:
    """base: the index of the prompt's first text."""
    text = "".join(map(text_of, candidate.parts))
    choice: Json = {
        "text": prompt + text if asked.echo else text,
        "index": base + candidate.index,
        "logprobs": None,
        "finish_reason": finish_reason(candidate.finish_reason, candidate.raw_finish_reason),
    }
    if asked.alternatives is not None and candidate.HasField("logprobs"):
        choice["logprobs"] = render_logprobs(candidate.logprobs, len(prompt), asked.alternatives)
    # Where OpenRouter puts it; OpenAI's clients pass it by.
    if reasoning := "".join(part.reasoning.text for part in candidate.parts):
        choice["reasoning"] = reasoning
    return choice


def text_of(part: Part) -> str:
    """A refusal is text here."""
    return part.text or part.refusal


def finish_reason(reason: FinishReason.ValueType, raw: str) -> str:
    found = chat_reason(reason, raw)
    return found if found in REASONS else "stop"


def render_logprobs(logprobs: Logprobs, offset: int, alternatives: int) -> Json:
    """offset: where the first token stands, in characters from the prompt's beginning."""
    tokens = [*logprobs.content, *logprobs.refusal]
    offsets = []
    for token in tokens:
        offsets.append(offset)
        offset += len(token.token)
    return {
        "tokens": [token.token for token in tokens],
        "token_logprobs": [token.logprob for token in tokens],
        "top_logprobs": [{top.token: top.logprob for top in token.top} for token in tokens] if alternatives else None,
        "text_offset": offsets,
    }


def total_of(usages: Sequence[Usage]) -> Usage:
    """One usage as it is; of several their sums."""
    return usages[0] if len(usages) == 1 else summed(usages)


def summed(usages: Iterable[Usage]) -> Usage:
    total = Usage()
    for usage in usages:
        for field, value in usage.ListFields():
            if type(value) is int:
                setattr(total, field.name, getattr(total, field.name) + value)
    return total
