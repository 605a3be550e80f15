"""Every face as one record: what it reads, and what it writes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from dragoman.reasons import GatewayError
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_core.providers.registry import DIALECTS
from gateway_dialects.anthropic import parse_request as anthropic_parse
from gateway_dialects.anthropic import render_response as anthropic_render
from gateway_dialects.anthropic import render_stream as anthropic_stream
from gateway_dialects.cohere import parse_request as cohere_parse
from gateway_dialects.cohere import render_response as cohere_render
from gateway_dialects.cohere import render_stream as cohere_chunks
from gateway_dialects.gemini import parse_request as gemini_parse
from gateway_dialects.gemini import render_answer as gemini_render
from gateway_dialects.gemini import render_stream as gemini_chunks
from gateway_dialects.kit.dialect import Dialect
from gateway_dialects.kit.fields import parse_object
from gateway_dialects.kit.json import encode_json
from gateway_dialects.mistral import parse_request as mistral_parse
from gateway_dialects.mistral import render_response as mistral_render
from gateway_dialects.mistral import render_stream as mistral_chunks
from gateway_dialects.openai import parse_request as openai_parse
from gateway_dialects.openai import render_response as openai_render
from gateway_dialects.openai import render_stream as openai_chunks
from gateway_dialects.openai_responses import parse_request as responses_parse
from gateway_dialects.openai_responses import render_response as responses_render
from gateway_dialects.openai_responses import render_stream as responses_chunks

ID, NOW = "id_fallback", 1_750_000_000


class Renderer(Protocol):
    """Writes one stream."""

    def render(self, batch: StreamResponse) -> bytes: ...

    def fail(self, error: GatewayError) -> bytes: ...


@dataclass(frozen=True)
class Face:
    """A dialect as it is served to clients."""

    name: str
    """Of the dialect whose form it has."""
    fixtures: str
    """The folder of its fixtures."""
    path: str
    """What its endpoint's path holds."""
    parse: Callable[[bytes], ChatRequest]
    render: Callable[[ChatResponse], bytes]
    chunks: Callable[[], Renderer]
    several: bool = False
    """Whether its answers hold several candidates."""

    @property
    def dialect(self) -> Dialect:
        return DIALECTS[self.name]

    def write(self, batches: Iterable[StreamResponse]) -> bytes:
        renderer = self.chunks()
        return b"".join([renderer.render(batch) for batch in batches])


FACES: tuple[Face, ...] = (
    Face(
        "openai",
        "openai",
        "/chat/completions",
        lambda body: openai_parse.parse_chat(body).chat,
        lambda answer: openai_render.render_chat(answer, ID, NOW),
        lambda: openai_chunks.ChunkRenderer(include_usage=True, fallback_id=ID, now=NOW),
        several=True,
    ),
    Face(
        "openai-responses",
        "openai_responses",
        "/responses",
        lambda body: responses_parse.parse_create(parse_object(body)).chat,
        lambda answer: encode_json(responses_render.response_object(answer, {}, ID, NOW)),
        lambda: responses_chunks.ChunkRenderer(echo={}, fallback_id=ID, now=NOW),
    ),
    Face(
        "anthropic",
        "anthropic",
        "/messages",
        lambda body: anthropic_parse.parse_chat(body).chat,
        lambda answer: anthropic_render.render_chat(answer, ID),
        lambda: anthropic_stream.ChunkRenderer(fallback_id=ID),
    ),
    Face(
        "gemini",
        "gemini",
        "enerateContent",
        lambda body: gemini_parse.parse_chat(body, "gemini-2.5-flash"),
        lambda answer: gemini_render.render_chat(answer, ID),
        lambda: gemini_chunks.ChunkRenderer(fallback_id=ID),
        several=True,
    ),
    Face(
        "cohere",
        "cohere",
        "/v2/chat",
        lambda body: cohere_parse.parse_chat(body).chat,
        lambda answer: cohere_render.render_chat(answer, ID),
        lambda: cohere_chunks.ChunkRenderer(fallback_id=ID),
    ),
    Face(
        "mistral",
        "mistral",
        "/chat/completions",
        lambda body: mistral_parse.parse_chat(body).chat,
        lambda answer: mistral_render.render_chat(answer, ID, NOW),
        lambda: mistral_chunks.ChunkRenderer(fallback_id=ID, now=NOW),
        several=True,
    ),
)
FOLDERS: Mapping[str, str] = {
    **{face.fixtures: face.name for face in FACES},
    "azure": "azure",
    "openai_completions": "openai-completions",
}
"""The dialect of each folder of fixtures."""
