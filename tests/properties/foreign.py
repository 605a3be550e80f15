"""Content that only one dialect understands: every kind that its API has, as its clients send it back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]
FOUND: Json = {"type": "web_search_result", "url": "https://x.example", "title": "T", "encrypted_content": "abc"}
TEXT: Json = {"type": "text", "text": "inner words"}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
PICTURE: Json = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
RUN: Json = {"stdout": "inner words\n", "stderr": "", "return_code": 0, "content": []}
PLAIN: Json = {"type": "text", "media_type": "text/plain", "data": "inner words"}

SAYING: Mapping[str, tuple[Json, ...]] = {
    "anthropic": (
        {"type": "search_result", "source": "https://x.example", "title": "T", "content": [TEXT]},
        {"type": "document", "source": {"type": "content", "content": [TEXT, PICTURE]}, "title": "T", "context": "C"},
        {"type": "document", "source": {"type": "content", "content": "inner words"}},
        {"type": "server_tool_use", "id": "s1", "name": "code_execution", "input": {"code": "inner words"}},
        {"type": "server_tool_use", "id": "s1", "name": "web_fetch", "input": {"url": "inner words"}},
        {"type": "code_execution_tool_result", "tool_use_id": "s1", "content": {"type": "code_execution_result", **RUN}},
        {"type": "bash_code_execution_tool_result", "tool_use_id": "s1", "content": {"type": "x", **RUN, "return_code": 1}},
        {
            "type": "text_editor_code_execution_tool_result",
            "tool_use_id": "s1",
            "content": {"type": "text_editor_code_execution_view_result", "content": "inner words"},
        },
        {
            "type": "web_fetch_tool_result",
            "tool_use_id": "s1",
            "content": {
                "type": "web_fetch_result",
                "url": "https://x.example",
                "content": {"type": "document", "source": PLAIN},
            },
        },
        {
            "type": "tool_search_tool_result",
            "tool_use_id": "s1",
            "content": {
                "type": "tool_search_tool_search_result",
                "tool_references": [{"type": "tool_reference", "tool_name": "inner words"}],
            },
        },
        {"type": "tool_reference", "tool_name": "inner words"},
        {"type": "mcp_tool_use", "id": "m1", "name": "f", "server_name": "s", "input": {"q": "inner words"}},
        {"type": "mcp_tool_result", "tool_use_id": "m1", "is_error": False, "content": [TEXT]},
        {"type": "mcp_tool_result", "tool_use_id": "m1", "is_error": True, "content": "inner words"},
        {"type": "compaction", "content": "inner words"},
        {"type": "a_type_of_the_future", "text": "inner words"},
    ),
    "gemini": (
        {"executableCode": {"language": "PYTHON", "code": "inner words"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "inner words\n"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_FAILED", "output": "inner words"}},
        {"text": "inner words", "inlineData": {"mimeType": "image/png", "data": PIXEL}},
    ),
    "cohere": ({"type": "document", "document": {"id": "d", "data": {"title": "T", "snippet": "inner words"}}},),
    "openai": ({"type": "a_type_of_the_future", "content": [TEXT]},),
    "openai-responses": ({"type": "mcp_call", "id": "m", "content": [TEXT]},),
    "a dialect of the future": ({"type": "x", "content": "inner words"},),
}
"""Kinds that other models can read, each with the same words in it."""
SILENT: Mapping[str, tuple[Json, ...]] = {
    "anthropic": (
        {"type": "server_tool_use", "id": "s1", "name": "web_search", "input": {"query": "x"}},
        {"type": "web_search_tool_result", "tool_use_id": "s1", "content": [FOUND]},
        {"type": "web_search_tool_result", "tool_use_id": "s1", "content": {"type": "x", "error_code": "unavailable"}},
        {"type": "container_upload", "file_id": "file_1"},
        {"type": "code_execution_tool_result", "tool_use_id": "s1", "content": {"type": "x", **RUN, "stdout": ""}},
        {"type": "mcp_tool_result", "tool_use_id": "m1", "content": []},
    ),
    "gemini": (
        {"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "id": "1", "args": {"queries": ["x"]}}},
        {"toolResponse": {"toolType": "GOOGLE_SEARCH_WEB", "id": "1", "response": {}}},
        {"thought": True, "inlineData": {"mimeType": "image/png", "data": PIXEL}},
    ),
    "cohere": ({"type": "a_type_of_the_future"},),
    "mistral": ({"type": "reference", "reference_ids": [1]}, {"type": "tool_reference", "tool": "web_search", "title": "T"}),
    "openai": ({"type": "a_type_of_the_future"},),
    "openai-responses": ({"type": "web_search_call", "id": "ws", "status": "completed"}, {"type": "compaction", "id": "c"}),
    "a dialect of the future": ({},),
}
"""Kinds that no other model can read."""
ESSENTIAL: Mapping[str, Json] = {
    "openai-responses": {"type": "item_reference", "id": "i"},
    "mistral": {"type": "fim", "prompt": "def f("},
}
"""What the provider stores, and a gap to fill: each is the question itself."""
