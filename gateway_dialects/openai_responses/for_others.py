"""What items and pieces of content that only the Responses API understands say to others.

What a client found or ran is said, and so is what it answers; what only the provider did (searches of the web, of files)
shows in the answer that follows, and is left out.

Source: https://platform.openai.com/docs/api-reference/responses/create (input).
"""

from collections.abc import Sequence
from typing import Any

from dragoman.v1.content_pb2 import Part
from gateway_dialects.kit.json import Json, json_text, object_at, objects_at, text_of
from gateway_dialects.kit.readings import fenced, opaque_object, plain_reading, spoken

REFERENCE = "item_reference"
"""An item that the provider stores: without it the conversation is another one."""
SHELLS = frozenset({"local_shell_call", "shell_call"})


def for_others(part: Part) -> Sequence[Part] | None:
    """See ForOthers."""
    if not part.HasField("opaque"):
        return plain_reading(part)
    item = opaque_object(part)
    if text_of(item.get("type")) in ("", REFERENCE):
        return None
    return spoken(words_for(item)) or plain_reading(part)


def words_for(item: Json) -> str:
    """Of what a tool was asked and what it gave. Empty: there are none."""
    kind = text_of(item.get("type"))
    if kind in SHELLS:
        return f"[Ran {json_text(command_of(object_at(item, 'action')))}]"
    match kind:
        case "tool_search_output":
            return f"[Tools that were found: {', '.join(names_in(item)) or 'none'}]"
        case "apply_patch_call":
            return f"[Applied a patch: {json_text(item.get('operation'))}]"
        case "mcp_call" if given := item.get("output") or item.get("error"):
            return f"[Called {item.get('name')}({item.get('arguments')})]\n{as_text(given)}"
        case "code_interpreter_call" if code := text_of(item.get("code")):
            return f"{fenced(code)}\n{outputs_of(item)}".rstrip()
        case "mcp_approval_response":
            return "The call was approved." if item.get("approve") else "The call was not approved."
        case _ if kind.endswith("_output"):
            return f"[{kind.removesuffix('_call_output').removesuffix('_output')} gave:]\n{output_of(item)}"
        case _:
            return ""


def command_of(action: Json) -> Any:
    return action.get("command") or action.get("commands") or action


def names_in(item: Json) -> list[str]:
    """Of the tools in a tool_search_output."""
    return [text_of(tool.get("name")) or text_of(tool.get("type")) for tool in objects_at(item, "tools")]


def outputs_of(item: Json) -> str:
    """What code printed. Its pictures have no words."""
    return "\n".join(text_of(output.get("logs")) for output in objects_at(item, "outputs"))


def output_of(item: Json) -> str:
    output = item.get("output")
    if isinstance(output, dict) and "image_url" in output:
        return "a picture of the screen"
    return as_text(item.get("status") if output is None else output)


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json_text(value)
