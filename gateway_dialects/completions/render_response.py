"""Whole answers as a text completion. Source: https://platform.openai.com/docs/api-reference/completions/object, and
recorded answers."""

from collections.abc import Sequence
from typing import Any

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import Candidate, ChatResponse, FinishReason, Logprobs, TokenLogprob
from dragoman.v1.content_pb2 import Part
from dragoman.v1.stream_pb2 import Finished, PartDelta, PartStarted, Started
from dragoman.v1.usage_pb2 import Usage
from gateway_dialects.completions.parse_request import ParsedTexts
from gateway_dialects.kit.event_writer import EventWriter
from gateway_dialects.kit.json import Json, encode_json
from gateway_dialects.openai.render_response import OPENAI, Style, head_fields, render_error_event, render_usage
from gateway_dialects.openai.render_stream import DONE
from gateway_dialects.openai.words import FINISH_WORDS, OPENAI_FINISH_WORDS

OBJECT = "text_completion"
REASONS = frozenset({"stop", "length", "content_filter"})


def render_texts(
    answers: Sequence[ChatResponse], asked: ParsedTexts, fallback_id: str, now: int, style: Style = OPENAI
) -> bytes:
    """The JSON body of the answers, one for each prompt. fallback_id and now: see head_fields."""
    first = answers[0]
    body: Json = {
        **head_fields(first, OBJECT, fallback_id, now, style),
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
        choice["logprobs"] = render_logprobs(candidate.logprobs, asked.offset(prompt), asked.alternatives)
    # Where OpenRouter puts it; OpenAI's clients pass it by.
    if reasoning := "".join(part.reasoning.text for part in candidate.parts):
        choice["reasoning"] = reasoning
    return choice


def text_of(part: Part) -> str:
    """A refusal is text here."""
    return part.text or part.refusal


def finish_reason(reason: FinishReason.ValueType, raw: str) -> str:
    word = raw if raw in OPENAI_FINISH_WORDS else FINISH_WORDS.get(reason, "stop")
    return word if word in REASONS else "stop"


def render_logprobs(logprobs: Logprobs, offset: int, alternatives: int) -> Json:
    """offset: where the first token is, in characters from the prompt's beginning. A token there has no log-probability."""
    tokens = [*logprobs.content, *logprobs.refusal]
    begins = offset == 0
    offsets = []
    for token in tokens:
        offsets.append(offset)
        offset += len(token.token)
    return {
        "tokens": [token.token for token in tokens],
        "token_logprobs": without_first([token.logprob for token in tokens], begins),
        "top_logprobs": without_first([alternatives_to(token) for token in tokens], begins) if alternatives else None,
        "text_offset": offsets,
    }


def alternatives_to(token: TokenLogprob) -> Json:
    return {top.token: top.logprob for top in token.top}


def without_first(values: list[Any], begins: bool) -> list[Any]:
    return [None, *values[1:]] if begins and values else values


def total_of(usages: Sequence[Usage]) -> Usage:
    """One usage as it is; of several their sums."""
    if len(usages) == 1:
        return usages[0]
    total = Usage()
    for usage in usages:
        for field, value in usage.ListFields():
            if type(value) is int:
                setattr(total, field.name, getattr(total, field.name) + value)
    return total


class TextRenderer(EventWriter):
    """Renders the streams of one request. Feed it every batch in order; the last one's end is followed by [DONE]."""

    def __init__(self, asked: ParsedTexts, *, fallback_id: str, now: int, style: Style = OPENAI) -> None:
        self._style = style
        self._asked = asked
        self._fallback_id = fallback_id
        self._now = now
        self._place = -1
        """Of the prompt whose stream it is."""
        self._head = b""
        self._tail = b'],"usage":null}\n\n' if asked.include_usage else b"]}\n\n"
        self._offsets: dict[int, int] = {}
        """Of the next token of each text, in characters from its prompt's beginning."""
        self._usages: list[Usage] = []

    def fail(self, error: GatewayError) -> bytes:
        """See StreamWriter.fail."""
        return render_error_event(error)

    def _started(self, started: Started, out: list[bytes]) -> None:
        """One id, one time and one model through the whole stream: those of the first."""
        self._place += 1
        self._offsets = {}
        if not self._head:
            head = head_fields(started, OBJECT, self._fallback_id, self._now, self._style)
            if started.HasField("system_fingerprint"):
                head["system_fingerprint"] = started.system_fingerprint
            self._head = b"data: " + encode_json(head)[:-1] + b',"choices":['
        if self._asked.echo:
            for index in range(self._asked.count):
                self._choice(index, {"text": self._asked.prompts[self._place]}, out)

    def _part_started(self, started: PartStarted, out: list[bytes]) -> None:
        if text := text_of(started.part):
            self._choice(started.candidate_index, {"text": text}, out)

    def _delta(self, delta: PartDelta, out: list[bytes]) -> None:
        fields: Json = {}
        if delta.reasoning:
            fields["reasoning"] = delta.reasoning
        if delta.HasField("logprobs") and self._asked.alternatives is not None:
            fields["logprobs"] = self._logprobs(delta, self._asked.alternatives)
        if text := delta.text or delta.refusal:
            fields["text"] = text
        if fields:
            self._choice(delta.candidate_index, fields, out)

    def _logprobs(self, delta: PartDelta, alternatives: int) -> Json:
        offset = self._offsets.get(delta.candidate_index, self._asked.offset(self._asked.prompts[self._place]))
        tokens = (*delta.logprobs.content, *delta.logprobs.refusal)
        self._offsets[delta.candidate_index] = offset + sum(len(token.token) for token in tokens)
        return render_logprobs(delta.logprobs, offset, alternatives)

    def _choice(self, index: int, fields: Json, out: list[bytes]) -> None:
        place = self._place * self._asked.count + index
        choice: Json = {"text": "", "index": place, "logprobs": None, "finish_reason": None, **fields}
        out.append(self._head + encode_json(choice) + self._tail)

    def _finished(self, finished: Finished, out: list[bytes]) -> None:
        for ending in finished.candidates:
            reason = finish_reason(ending.finish_reason, ending.raw_finish_reason)
            self._choice(ending.index, {"finish_reason": reason}, out)
        if finished.HasField("usage"):
            # A copy: the event is not ours to keep.
            usage = Usage()
            usage.CopyFrom(finished.usage)
            self._usages.append(usage)
        if self._place + 1 < len(self._asked.prompts):
            return
        if self._asked.include_usage and self._usages:
            usage_json = encode_json(render_usage(total_of(self._usages)))
            out.append(self._head + b'],"usage":' + usage_json + b"}\n\n")
        out.append(DONE)
