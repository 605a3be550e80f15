"""The names of gRPC metadata and HTTP headers that the gateway reads, the places of keys, and the rule for request ids."""

from __future__ import annotations

import re
from collections.abc import Mapping

REQUEST_ID = "x-request-id"
"""Names a call, in both directions."""
CALL_ID = "x-dragoman-call-id"
"""The gateway's own id of a call, by which GetCall finds its record; in the answer's metadata."""
API = "x-dragoman-api"
"""The served API that the client called: openai, anthropic ... The facade sends it with every call."""
CONTEXT = "x-dragoman-context"
STRICT = "x-dragoman-strict"
PREFIXES = ("x-dragoman-", "x-inference-")
"""A client may write each of the names below behind either prefix; where both are there, the first counts."""
PROVIDER, PROVIDER_API_KEY, PROVIDER_URL = "provider", "provider-api-key", "provider-url"
"""BYOK credentials: whom to ask, with the client's own key or at the client's own URL."""
TASK_ID, ENVIRONMENT = "task-id", "environment"
BYOK_NAMES = tuple(prefix + name for prefix in PREFIXES for name in (PROVIDER, PROVIDER_API_KEY, PROVIDER_URL))
TAG_NAMES = tuple(prefix + name for prefix in PREFIXES for name in (TASK_ID, ENVIRONMENT))
BYOK_PROVIDER, BYOK_KEY, BYOK_URL = BYOK_NAMES[:3]
APP_NAMES = ("x-openrouter-title", "x-title", "http-referer")
"""What OpenRouter's clients call the application that asks, the best name first."""
REFERER, ORIGIN, USER_AGENT = "http-referer", "x-dragoman-origin", "x-dragoman-user-agent"
SESSION, USER = "x-dragoman-session", "x-dragoman-user"
TAGS = {REFERER: "referer", ORIGIN: "origin", USER_AGENT: "user_agent", SESSION: "session", USER: "user"}
"""Metadata to its key in CallRecord.tags, beside task, environment and app. The facade sends them with the chats of
OpenRouter's API: Origin and User-Agent are the client's headers, session and user its request's fields session_id and user.
gRPC sets user-agent itself."""
SESSION_NAMES = (
    *(SESSION, "x-session-id", "x-claude-code-session-id", "session-id", "session_id", "x-session-affinity"),
    *("x-opencode-session", "conversation_id"),
)
"""Headers in which clients name the session of a call: OpenRouter's and the AI SDK's, Claude Code's, Codex's, OpenCode's.
The first one that has a value counts."""
LONGEST_TAG = 256
"""In characters; the rest is cut."""
BARE_KEY_NAMES = ("x-api-key", "api-key", "x-goog-api-key")
"""Where a key stands by itself, as the SDKs of the providers send it."""
KEY_NAMES = ("authorization", *BARE_KEY_NAMES)
"""Every place of a gateway key; in authorization it follows Bearer."""
KEY_PARAMETER = "key"
"""Where Google's clients put a key in the query."""

is_request_id = re.compile(r"[A-Za-z0-9._:-]{1,128}").fullmatch
"""Whether a client's own request id is used, so that its logs and the gateway's agree."""


def first_value(name: str, metadata: Mapping[str, str]) -> str:
    """The value of the first prefixed spelling of the name that has one; empty when none has."""
    return next((value for prefix in PREFIXES if (value := metadata.get(prefix + name, "").strip())), "")


def bearer(value: str) -> str:
    """The key in an authorization header. A value of another form is returned as it is: some clients send the bare key."""
    scheme, _, rest = value.partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else value
