"""Citations, and what clients of OpenAI's form read of them.

Source: https://docs.cohere.com/docs/rag-citations and recorded answers. A citation names a piece of one content block (or
of the plan before tool calls) and its sources: documents of the request, or tools' results.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

from gateway_dialects.kit.json import Json


@dataclasses.dataclass(slots=True)
class Places:
    """The parts of an answer that may be cited, by their places among all parts."""

    plan: int | None = None
    blocks: dict[int, int] = dataclasses.field(default_factory=dict)
    """By the index of the content block; text and thinking only."""
    first_text: int | None = None

    def of(self, citation: Any) -> int | None:
        """The part that a citation names by the index of its block; without one, the first text. None: there is none."""
        if not isinstance(citation, dict):
            return None
        if citation.get("type") == "PLAN" and self.plan is not None:
            return self.plan
        named = citation.get("content_index")
        return self.blocks.get(named) if type(named) is int else self.first_text

    def share_out(self, citations: Iterable[Any]) -> tuple[dict[int, list[Any]], list[Any]]:
        """The citations of each part, and the rest. What follows one that cites nothing here, or goes back to an earlier
        part, stays with the rest: so their order is kept."""
        placed: dict[int, list[Any]] = {}
        rest: list[Any] = []
        for citation in citations:
            part = self.of(citation)
            if rest or part is None or part < max(placed, default=0):
                rest.append(citation)
            else:
                placed.setdefault(part, []).append(citation)
        return placed, rest


def annotations_of(citations: Iterable[Any], offset: int) -> list[Json]:
    """One url_citation for each source that has an address. offset: where the cited block begins in the whole text."""
    return [annotation for citation in citations for annotation in annotate(citation, offset)]


def annotate(citation: Any, offset: int) -> Iterator[Json]:
    sources = citation.get("sources") if isinstance(citation, dict) else None
    for source in sources if isinstance(sources, list) else ():
        content = content_of(source)
        if isinstance(url := content.get("url"), str):
            title = content.get("title")
            yield {
                "type": "url_citation",
                "url_citation": {
                    "url": url,
                    "title": title if isinstance(title, str) else "",
                    "start_index": offset + position(citation.get("start")),
                    "end_index": offset + position(citation.get("end")),
                },
            }


def content_of(source: Any) -> Json:
    """The document or the tool's output that a source stands for."""
    if not isinstance(source, dict):
        return {}
    content = source.get("document") or source.get("tool_output")
    return content if isinstance(content, dict) else {}


def position(value: Any) -> int:
    return value if type(value) is int and 0 <= value < 2**40 else 0


def told_to_chat(citations: list[Any], annotations: list[Json]) -> Json:
    """Message fields for clients of OpenAI's form: annotations as OpenAI has them, and all citations as Cohere has them."""
    told: Json = {"annotations": annotations} if annotations else {}
    return {**told, "citations": citations} if citations else told


def moved(citation: Any, index: int) -> Any:
    """A citation given back: it names the block by where that stands now."""
    if isinstance(citation, dict) and "content_index" in citation:
        return {**citation, "content_index": index}
    return citation
