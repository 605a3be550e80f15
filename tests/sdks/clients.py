"""Which SDKs are tested, and with what. The document, its table and the tests all follow this list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

FEATURES = ("chat", "stream", "tools", "structured", "image", "error", "header")
"""chat and stream run what docs/clients.md shows; tools is a round trip: call, result, answer; error raises the SDK's own
classes from their real causes; header sends a task's id with one request."""
TARGETS = ("demo", "openai", "anthropic", "google")
"""Who answers: the demo provider, and providers of three dialects."""
SETS = {"python": ("current", "partnered", "older"), "node": ("node",)}


@dataclass(frozen=True)
class Client:
    """One SDK, in one environment."""

    name: str
    section: str
    """Of docs/clients.md."""
    environment: str
    checks: str
    """The module of checks, in python/ or node/."""
    package: str
    """Whose version is told."""
    features: Sequence[str] = FEATURES

    @property
    def language(self) -> str:
        return "javascript" if self.environment == "node" else "python"


def without(*features: str) -> Sequence[str]:
    return [feature for feature in FEATURES if feature not in features]


CLIENTS = (
    Client("openai", "OpenAI", "current", "openai_chat", "openai"),
    Client("openai-older", "OpenAI", "older", "openai_chat", "openai"),
    Client("openai-async", "OpenAI, async", "current", "openai_async", "openai", ("chat", "stream", "tools", "error")),
    Client("anthropic", "Anthropic", "current", "anthropic_messages", "anthropic"),
    Client("anthropic-older", "Anthropic", "older", "anthropic_messages", "anthropic"),
    Client("google-genai", "Google Gen AI", "current", "google_genai", "google-genai"),
    Client("google-genai-2", "Google Gen AI", "partnered", "google_genai", "google-genai"),
    Client("google-genai-1", "Google Gen AI", "older", "google_genai", "google-genai"),
)
