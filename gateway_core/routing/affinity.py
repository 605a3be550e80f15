"""Affinity: the calls of one conversation go to one target, where its prompt is cached, as long as it answers.

The conversation is the session that the client names, or else the caller's prompts that begin alike. Only hashes are stored.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator
from hashlib import sha256

from dragoman.metadata import SESSION
from dragoman.reasons import Reason
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import ROLE_USER
from gateway_core.call import Call, Clock
from gateway_dialects.kit.json import UNREADABLE, decode_object

KEPT_S = 600.0
"""How long a conversation keeps its target without a call. Providers keep cached prompts for five minutes to an hour."""
MOST_CONVERSATIONS = 10_000
SESSION_FIELDS = ("session_id", "prompt_cache_key")
"""In bodies: OpenRouter's, OpenAI's."""
SESSION_MARK = "_session_"
"""In the id of an end user that Claude Code sends: user_..._account_..._session_... ."""


class Affinity:
    """Bounded, in memory; the conversations that were longest without a call are forgotten first."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def target(self, conversation: str) -> str:
        """provider/model. Empty: none yet, or not any more."""
        target, until = self._kept.get(conversation, ("", 0.0))
        return target if until > self._clock() else ""

    def settled(self, call: Call) -> None:
        """A call with a conversation has ended: who answered keeps it, and a failure releases it. A client that left says
        nothing."""
        conversation, route = call.conversation, call.route
        if not call.reason and route.provider:
            self._kept[conversation] = (f"{route.provider}/{route.model}", self._clock() + KEPT_S)
            self._kept.move_to_end(conversation)
            if len(self._kept) > MOST_CONVERSATIONS:
                self._kept.popitem(last=False)
        elif call.reason != Reason.CANCELLED:
            self._kept.pop(conversation, None)

    def __len__(self) -> int:
        return len(self._kept)


def conversation_of(request: ChatRequest, call: Call, route: str) -> str:
    """A hash of the caller, the route, and what the conversation is known by."""
    found = sha256(f"{call.caller.name}\0{route}\0".encode(errors="replace"))
    if session := call.metadata.get(SESSION, "") or session_in(request):
        found.update(b"session\0" + session.encode(errors="replace"))
    else:
        for piece in beginning_of(request):
            found.update(piece + b"\0")
    return found.hexdigest()


def session_in(request: ChatRequest) -> str:
    """The session that a request's body names. Empty: none."""
    for text in (request.extra_body_json, *request.provider_options_json.values()):
        for field in SESSION_FIELDS:
            if f'"{field}"' in text and (session := text_in(text, field)):
                return session
    return request.user if SESSION_MARK in request.user else ""


def text_in(options_json: str, field: str) -> str:
    """Malformed options are rejected by the dialect that reads them."""
    try:
        value = decode_object(options_json).get(field)
    except UNREADABLE:
        return ""
    return value if isinstance(value, str) else ""


def beginning_of(request: ChatRequest) -> Iterator[bytes]:
    """The tools, and the messages up to the first one of the user."""
    for tool in request.tools:
        yield tool.SerializeToString(deterministic=True)
    for message in request.messages:
        yield message.SerializeToString(deterministic=True)
        if message.role == ROLE_USER:
            return
