"""Which of the offered tools the demo calls, and with what."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from gateway_core.providers.demo.moves import Call
from gateway_core.providers.demo.question import Json, Question, Unreadable
from gateway_core.providers.demo.schema import instance_of


def calls_for(question: Question, parallel: bool) -> list[Call]:
    """The calls: of the tool that tool_choice forces, or of the first tool, or of all tools. Raises Unreadable when a tool
    is forced that was not offered."""
    offered = [tool for tool in question.tools if name_of(tool)]
    match question.tool_choice:
        case "none":
            return []
        case {"type": "allowed_tools", "allowed_tools": {"tools": list(allowed)}}:
            names = {name_of(tool) for tool in allowed}
            offered = [tool for tool in offered if name_of(tool) in names]
        case {"type": "function" | "custom", **forced}:
            name = name_of(forced)
            offered = [tool for tool in offered if name_of(tool) == name]
            if not offered:
                raise Unreadable(f"tool_choice names {name}, which is not among the tools")
    return [call_of(tool) for tool in (offered if parallel and question.parallel else offered[:1])]


def name_of(tool: Mapping[Any, Any]) -> str:
    return (tool.get("function") or tool.get("custom") or {}).get("name") or ""


def call_of(tool: Json) -> Call:
    if tool.get("type") == "custom":
        return Call(name_of(tool), "demo input", custom=True)
    arguments = instance_of(tool["function"].get("parameters") or {"type": "object"})
    return Call(name_of(tool), spaced(arguments if isinstance(arguments, dict) else {}))


def spaced(value: object) -> str:
    """JSON with spaces, so that it falls into several words."""
    return json.dumps(value, ensure_ascii=False)
