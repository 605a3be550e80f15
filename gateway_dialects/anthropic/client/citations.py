"""Citations of web pages as the annotations that clients of OpenAI's form read.

Source: https://platform.claude.com/docs (citations, web search) and OpenAI's url_citation annotations.
"""

from __future__ import annotations

from typing import Any

from gateway_dialects.kit.json import Json


def annotations_of(citations: Any, start: int, end: int) -> list[Json]:
    """One for each citation of a text block that names a page. start, end: the block's place in the whole text."""
    if not isinstance(citations, list):
        return []
    return [
        {
            "type": "url_citation",
            "url_citation": {
                "url": citation["url"],
                "title": citation.get("title") or "",
                "start_index": start,
                "end_index": end,
            },
        }
        for citation in citations
        if isinstance(citation, dict) and isinstance(citation.get("url"), str)
    ]
