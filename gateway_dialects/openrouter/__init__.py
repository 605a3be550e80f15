"""OpenRouter's API as we serve it: OpenAI's chat completions, with more in and more out."""

import time
from functools import partial
from typing import Any

from gateway_dialects.kit.server import RequestHead, Served, ServedChat
from gateway_dialects.openrouter.parse_request import parse_chat
from gateway_dialects.openrouter.render_metadata import Wanted, render_model, render_models
from gateway_dialects.openrouter.render_response import ID_PREFIX, KEEP_ALIVE, OpenRouterRenderer, render_chat, render_error

METADATA_HEADERS = (b"x-openrouter-metadata", b"x-openrouter-experimental-metadata")
WANTED = ("enabled", "true", "1")


def serve(head: RequestHead, body: bytes) -> ServedChat:
    """See Served.parse_chat."""
    parsed = parse_chat(body)
    terms: Any = {"fallback_id": ID_PREFIX + head.request_id, "now": int(time.time())}
    if any(head.header(name) in WANTED for name in METADATA_HEADERS):
        terms["metadata"] = True
    writer = partial(OpenRouterRenderer, **terms) if parsed.stream else None
    return ServedChat(parsed.chat, partial(render_chat, **terms), writer, KEEP_ALIVE)


SERVER = Served(
    "openrouter",
    lambda error, request_id: render_error(error),
    serve,
    lambda response: render_models(response, Wanted()),
    render_model,
)
