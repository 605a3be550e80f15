"""Whether a field that an error or a warning names is one of the request."""

from __future__ import annotations

import re
from typing import Any

from dragoman.v1.chat_pb2 import ChatRequest

PIECE = re.compile(r"([a-zA-Z_$]+)|\[(\d+)\]")
CLIENT_WORDS = {
    "n": "candidate_count",
    "max_completion_tokens": "max_output_tokens",
    "reasoning_effort": "reasoning",
    "thinking": "reasoning",
}
"""Faces' names for fields of the contract."""
WORDS_INSIDE = frozenset(
    {
        *("content", "tool_calls", "tool_call_id", "reasoning", "thinking", "detail", "arguments"),
        *("json_schema", "schema", "parameters"),
    }
)
"""How clients call what is found inside messages, tools and formats."""


def exists(request: ChatRequest, field: str) -> bool:
    """Each index counts something that is there, and each name is the contract's, a client's for it, or an option's."""
    if any(f'"{field}"' in text for text in request.provider_options_json.values()):
        return True
    value: Any = request
    for name, index in PIECE.findall(field):
        if index:
            if not hasattr(value, "__len__") or int(index) >= len(value):
                return False
            value = value[int(index)]
        elif hasattr(value, CLIENT_WORDS.get(name, name)):
            value = getattr(value, CLIENT_WORDS.get(name, name))
        else:
            return name in WORDS_INSIDE
    return bool(field)
