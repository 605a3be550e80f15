"""Which SDKs are tested, and with what. The document, its table and the tests all follow this list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

FEATURES = ("chat", "stream", "tools", "structured", "image", "error", "header")
"""chat and stream run what docs/clients.md shows; tools is a round trip: call, result, answer; error raises the SDK's own
classes from their real causes; header sends a task's id with one request."""
TARGETS = ("demo", "openai", "anthropic", "google")
"""Who answers: the demo provider, and providers of three dialects."""
PYTHON_ENVIRONMENTS = ("current", "partnered", "older")


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
    instead: tuple[str, str] = ("", "")
    """What its programs say otherwise than those of the document: (these words, others)."""

    @property
    def language(self) -> str:
        return "javascript" if self.environment == "node" else "python"


def without(*features: str) -> Sequence[str]:
    return tuple(feature for feature in FEATURES if feature not in features)


CLIENTS = (
    Client("openai", "OpenAI", "current", "openai_chat", "openai"),
    Client("openai-older", "OpenAI", "older", "openai_chat", "openai"),
    Client("openai-async", "OpenAI, async", "current", "openai_async", "openai", ("chat", "stream", "tools", "error")),
    Client("anthropic", "Anthropic", "current", "anthropic_messages", "anthropic"),
    Client("anthropic-older", "Anthropic", "older", "anthropic_messages", "anthropic"),
    Client("google-genai", "Google Gen AI", "current", "google_genai", "google-genai"),
    Client("google-genai-2", "Google Gen AI", "partnered", "google_genai", "google-genai"),
    Client("google-genai-1", "Google Gen AI", "older", "google_genai", "google-genai"),
    Client("openai-responses", "OpenAI, responses", "current", "openai_responses", "openai"),
    Client("openai-responses-older", "OpenAI, responses", "older", "openai_responses", "openai"),
    Client("azure", "Azure OpenAI", "current", "openai_chat", "openai"),
    Client("azure-older", "Azure OpenAI", "older", "openai_chat", "openai"),
    Client("openai-agents", "OpenAI Agents", "current", "openai_agents", "openai-agents"),
    Client("mistral", "Mistral", "current", "mistral_chat", "mistralai"),
    Client(
        "mistral-1",
        "Mistral",
        "older",
        "mistral_chat",
        "mistralai",
        instead=("from mistralai.client import Mistral", "from mistralai import Mistral"),
    ),
    Client("cohere", "Cohere", "current", "cohere_chat", "cohere"),
    Client("langchain-openai", "LangChain, OpenAI", "current", "langchain_over_sdk", "langchain-openai"),
    Client("langchain-openai-older", "LangChain, OpenAI", "older", "langchain_over_sdk", "langchain-openai"),
    Client("langchain-azure", "LangChain, Azure OpenAI", "current", "langchain_over_sdk", "langchain-openai"),
    Client("langchain-anthropic", "LangChain, Anthropic", "current", "langchain_over_sdk", "langchain-anthropic"),
    Client("langchain-google", "LangChain, Google", "partnered", "langchain_google", "langchain-google-genai"),
    Client(
        "langchain-openrouter",
        "LangChain, OpenRouter",
        "current",
        "langchain_openrouter",
        "langchain-openrouter",
        without("header"),
    ),
    Client(
        "langchain-openrouter-older",
        "LangChain, OpenRouter",
        "older",
        "langchain_openrouter",
        "langchain-openrouter",
        without("header"),
    ),
    Client("langchain-init", "LangChain, init_chat_model", "current", "langchain_over_sdk", "langchain"),
    Client("pydantic-ai", "Pydantic AI", "partnered", "pydantic_ai", "pydantic-ai-slim"),
    Client("pydantic-ai-anthropic", "Pydantic AI, Anthropic", "partnered", "pydantic_ai", "pydantic-ai-slim"),
    Client("pydantic-ai-google", "Pydantic AI, Google", "partnered", "pydantic_ai", "pydantic-ai-slim", without("header")),
    Client("instructor", "Instructor", "partnered", "instructor_client", "instructor", ("structured", "error", "header")),
    Client("node-openai", "OpenAI", "node", "openai_chat", "openai"),
    Client("node-anthropic", "Anthropic", "node", "anthropic_messages", "@anthropic-ai/sdk"),
    Client("node-google-genai", "Google Gen AI", "node", "google_genai", "@google/genai"),
    Client("node-langchain-openai", "LangChain, OpenAI", "node", "langchain_openai", "@langchain/openai"),
    Client("node-langchain-anthropic", "LangChain, Anthropic", "node", "langchain_anthropic", "@langchain/anthropic"),
    Client("node-ai-responses", "AI SDK, OpenAI responses", "node", "vercel_ai", "@ai-sdk/openai"),
    Client("node-ai-chat", "AI SDK, OpenAI chat", "node", "vercel_ai", "@ai-sdk/openai"),
    Client("node-ai-anthropic", "AI SDK, Anthropic", "node", "vercel_ai", "@ai-sdk/anthropic"),
)
