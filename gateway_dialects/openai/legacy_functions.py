"""The older form of tools in chat completions, functions and function_call, as the newer one and back.

Source: https://platform.openai.com/docs/api-reference/chat/create (deprecated: functions, function_call). Providers
of other dialects are asked in the newer form, those of this one as the client wrote it. Answers are in the client's form,
which holds one call: it is asked for one at a time.
"""

from typing import Any

from gateway_dialects.kit import fields as read
from gateway_dialects.kit.json import Json, list_at, object_at

CALL, CALLS = "function_call", "tool_calls"


def is_legacy(fields: Json) -> bool:
    """Whether the answer's calls are wanted in the older form."""
    return fields.get("functions") is not None


def modernised(fields: Json) -> Json:
    """The fields of a request in the newer form; the same object where there is nothing of the older one. Raises
    GatewayError naming the field at fault."""
    messages = fields.get("messages")
    holds_calls = isinstance(messages, list) and any(map(is_old, messages))
    if not (is_legacy(fields) or holds_calls or fields.get(CALL) is not None):
        return fields
    changed = {name: value for name, value in fields.items() if name not in ("functions", CALL)}
    if is_legacy(fields):
        functions = read.array(fields["functions"], "functions")
        changed["tools"] = [
            *list_at(fields, "tools"),
            *({"type": "function", "function": function} for function in functions),
        ]
        changed.setdefault("parallel_tool_calls", False)
    if (choice := fields.get(CALL)) is not None:
        changed["tool_choice"] = choice if isinstance(choice, str) else {"type": "function", "function": choice}
    if holds_calls:
        changed["messages"] = modern_messages(list_at(fields, "messages"))
    return changed


def is_old(message: Any) -> bool:
    return isinstance(message, dict) and (message.get("role") == "function" or message.get(CALL) is not None)


def modern_messages(messages: list[Any]) -> list[Any]:
    """Each call gets an id, the same whenever the conversation is sent again, and its result has it too."""
    found: list[Any] = []
    call_id = ""
    for index, message in enumerate(messages):
        if not is_old(message):
            found.append(message)
            continue
        path = f"messages[{index}]"
        if message.get("role") == "function":
            read.required_string(message, "name", f"{path}.")
            found.append({**message, "role": "tool", "tool_call_id": call_id or f"call_{index}"})
            continue
        call_id = f"call_{index}"
        call = read.required_mapping(message, CALL, f"{path}.")
        read.required_string(call, "name", f"{path}.{CALL}.")
        rest = {name: value for name, value in message.items() if name != CALL}
        rest[CALLS] = [*list_at(message, CALLS), {"id": call_id, "type": "function", "function": {"arguments": "", **call}}]
        found.append({"content": None, **rest})
    return found


def write_legacy(body: Json) -> None:
    """The body in the older form again, for providers of this dialect."""
    body["functions"] = [object_at(tool, "function") for tool in list_at(body, "tools")]
    for name in ("tools", "parallel_tool_calls"):
        body.pop(name, None)
    if (choice := body.pop("tool_choice", None)) is not None:
        body[CALL] = choice if isinstance(choice, str) else object_at(choice, "function")
    for message in list_at(body, "messages"):
        if message.get("role") == "tool":
            message["role"] = "function"
            message.pop("tool_call_id", None)
        elif CALLS in message:
            with_function_call(message)


def with_function_call(message: Json) -> Json:
    """A message or a delta whose first call is its function_call. Changes the message."""
    for call in message.pop(CALLS, ()):
        if not call.get("index"):
            message[CALL] = object_at(call, "function")
            break
    return message
