"""Marks of the prompt cache for clients that set none: Claude caches only what is marked, and a client of another API pays
every turn of a tool loop in full.

Source: https://platform.claude.com/docs/en/build-with-claude/prompt-caching (four marks at most; a cached prefix is looked
for up to 20 blocks before each mark, so that the end of the last turn is marked again).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import ROLE_ASSISTANT, ROLE_DEVELOPER, ROLE_SYSTEM, CacheHint, Message, Part

INSTRUCTIONS = (ROLE_SYSTEM, ROLE_DEVELOPER)
MARKED_KINDS = ("text", "media", "tool_result")
TTL_OF = {"5m": "", "1h": "1h"}
"""Of the setting, as CacheHint.ttl: five minutes are the API's default."""


def with_cache_marks(request: ChatRequest, setting: str) -> ChatRequest:
    """A copy with the ends of the instructions, of the last turn and of the request marked; the request itself where its
    client marks the cache. setting: see Quirks.prompt_cache."""
    if is_marked(request):
        return request
    changed = ChatRequest()
    changed.CopyFrom(request)
    hint = CacheHint(ttl=TTL_OF[setting])
    for part in marked_parts(changed):
        part.cache_hint.CopyFrom(hint)
    if changed.tools and not any(message.role in INSTRUCTIONS for message in changed.messages):
        changed.tools[-1].cache_hint.CopyFrom(hint)
    return changed


def is_marked(request: ChatRequest) -> bool:
    """Whether the client says where the cache ends, or leaves that to the provider (cache_control of the whole request)."""
    if any('"cache_control"' in options for options in request.provider_options_json.values()):
        return True
    if any(tool.HasField("cache_hint") for tool in request.tools):
        return True
    return any(
        message.HasField("cache_hint") or any(part.HasField("cache_hint") for part in message.parts)
        for message in request.messages
    )


def marked_parts(request: ChatRequest) -> Iterator[Part]:
    messages = request.messages
    answers = [index for index, message in enumerate(messages) if message.role == ROLE_ASSISTANT]
    turn = messages[: answers[-1]] if answers else ()
    for run in ([one for one in messages if one.role in INSTRUCTIONS], spoken(turn), spoken(messages)):
        if run and (part := last_part(run[-1])) is not None:
            yield part


def spoken(messages: Iterable[Message]) -> list[Message]:
    """What users and tools say."""
    return [message for message in messages if message.role not in (*INSTRUCTIONS, ROLE_ASSISTANT)]


def last_part(message: Message) -> Part | None:
    """The last part that can be marked: Claude refuses a mark on an empty text."""
    marked = (part for part in reversed(message.parts) if part.WhichOneof("kind") in MARKED_KINDS)
    return next((part for part in marked if part.WhichOneof("kind") != "text" or part.text.strip()), None)
