"""Azure's model list. Its chat answers are the openai dialect's, content-filter results among their details.

Source: https://learn.microsoft.com/rest/api/azureopenai/models/list.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dragoman.v1.models_pb2 import Model
from gateway_core.providers.openai.details import details_of
from gateway_core.providers.openai.response import decode_list_models as decode_openai_list
from gateway_core.providers.openai.response import int_of


def decode_list_models(body: bytes, provider: str) -> Sequence[Model]:
    """See Dialect.decode_list_models. Models that are known not to chat are left out: the list says what can be named."""
    models = []
    for model in decode_openai_list(body, provider):
        details = details_of(model)
        if chats(details.get("capabilities")):
            model.created = model.created or int_of(details.get("created_at"))
            models.append(model)
    return models


def chats(capabilities: Any) -> bool:
    return not isinstance(capabilities, dict) or capabilities.get("chat_completion") is not False
