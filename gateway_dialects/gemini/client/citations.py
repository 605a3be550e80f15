"""The sources of an answer as OpenAI's clients read them: url_citation annotations.

Source: https://ai.google.dev/gemini-api/docs/google-search (groundingMetadata; its segments count bytes of UTF-8) and
https://platform.openai.com/docs/guides/tools-web-search (annotations; they count characters).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from dragoman.v1.content_pb2 import Part
from gateway_dialects.kit.json import Json


def annotations_of(details: Json, parts: Sequence[Part]) -> list[Json]:
    """Never raises: metadata of an unexpected form gives none, and stays in the candidate's details."""
    grounding = details.get("groundingMetadata")
    if not isinstance(grounding, dict):
        return []
    supports, chunks = grounding.get("groundingSupports"), grounding.get("groundingChunks")
    if not (isinstance(supports, list) and isinstance(chunks, list)):
        return []
    text = "".join(part.text for part in parts if part.WhichOneof("kind") == "text").encode()
    return [citation for support in supports for citation in citations_of(support, chunks, text)]


def citations_of(support: Any, chunks: list[Any], text: bytes) -> Iterator[Json]:
    match support:
        case {"segment": {"endIndex": int(end), **segment}, "groundingChunkIndices": [*indices]}:
            start = segment.get("startIndex", 0)
            for index in indices:
                source = source_of(chunks[index]) if isinstance(index, int) and 0 <= index < len(chunks) else None
                if source and isinstance(start, int):
                    place = {"start_index": characters(text, start), "end_index": characters(text, end)}
                    yield {"type": "url_citation", "url_citation": {**place, **source}}


def source_of(chunk: Any) -> Json | None:
    """The address and title of a page, a place on a map, or a document that was searched."""
    for source in chunk.values() if isinstance(chunk, dict) else ():
        if isinstance(source, dict) and isinstance(uri := source.get("uri"), str):
            title = source.get("title")
            return {"url": uri, "title": title if isinstance(title, str) else uri}
    return None


def characters(text: bytes, octets: int) -> int:
    return len(text[: max(octets, 0)].decode(errors="ignore"))
