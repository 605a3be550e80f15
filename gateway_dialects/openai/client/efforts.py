"""The efforts of reasoning that vendors and their models take.

Sources: https://platform.openai.com/docs/api-reference/chat/create (reasoning_effort, by model),
https://console.groq.com/docs/reasoning, https://ai.google.dev/gemini-api/docs/openai (thinking), https://docs.x.ai,
https://api-docs.deepseek.com/guides/thinking_mode, https://docs.mistral.ai/capabilities/reasoning/adjustable,
https://docs.cohere.com/docs/compatibility-api, https://inference-docs.cerebras.ai/capabilities/reasoning.
"""

from __future__ import annotations

from dragoman.v1.routing_pb2 import Warning

Efforts = tuple[tuple[str, tuple[str, ...]], ...]
"""See Quirks.efforts."""

SCALE = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""All words, from the least. What is not among them is a provider's own word and is sent as it is."""
THREE = ("low", "medium", "high")
THREE_AND_NONE = ("none", *THREE)
ON_OR_OFF = ("none", "high")
OPENAI_EFFORTS: Efforts = (
    ("o1", THREE),
    ("o3", THREE),
    ("o4", THREE),
    ("gpt-5-pro", ("high",)),
    ("gpt-5.1-codex-max", ("none", *THREE, "xhigh")),
    ("gpt-5.1", THREE_AND_NONE),
    ("gpt-5.", ()),
    ("gpt-5", ("minimal", *THREE)),
)
"""What is said of the models that came later differs from one to the next: they get the client's word."""


def known_effort(effort: str, model: str, efforts: Efforts, warnings: list[Warning]) -> str:
    """The effort, or the nearest one that the model takes, the lower of two as near. Whoever asks for some reasoning gets
    some."""
    words = next((words for prefix, words in efforts if model.startswith(prefix)), ())
    if not words or effort in words or effort not in SCALE:
        return effort
    nearest = min((word for word in words if word != "none"), key=lambda word: distance(word, effort))
    message = f"reasoning.effort {effort} is not known to this model; {nearest} was sent"
    warnings.append(Warning(field="reasoning.effort", message=message))
    return nearest


def distance(word: str, other: str) -> int:
    return abs(SCALE.index(word) - SCALE.index(other))
