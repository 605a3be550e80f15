"""OpenRouter's API as we serve it: OpenAI's chat completions, with more in and more out."""

from __future__ import annotations

import time

from gateway_dialects.kit.server import RequestHead, Served, ServedChat, served_chat
from gateway_dialects.openrouter.parse_request import parse_chat
from gateway_dialects.openrouter.render_metadata import Wanted, render_model, render_models
from gateway_dialects.openrouter.render_response import ID_PREFIX, KEEP_ALIVE, OpenRouterRenderer, render_chat, render_error


def serve(head: RequestHead, body: bytes) -> ServedChat:
    """See Served.parse_chat."""
    terms = {"fallback_id": ID_PREFIX + head.request_id, "now": int(time.time())}
    return served_chat(parse_chat(body), render_chat, OpenRouterRenderer, KEEP_ALIVE, **terms)


SERVER = Served(
    "openrouter",
    lambda error, request_id: render_error(error),
    serve,
    lambda response: render_models(response, Wanted()),
    render_model,
)
