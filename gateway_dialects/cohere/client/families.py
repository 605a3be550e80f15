"""Which of Cohere's models reason. Source: https://docs.cohere.com/docs/reasoning, /docs/models and recorded answers."""

from __future__ import annotations

PLAIN_MODELS = (
    "command-r",
    "command-light",
    "command-nightly",
    "command-a-03",
    "command-a-vision",
    "command-a-translate",
    "c4ai-",
)
"""How the names of models begin that do not reason. Others are asked as the client asks: names come faster than gateways."""


def reasons(model: str) -> bool:
    return not model.startswith(PLAIN_MODELS)
