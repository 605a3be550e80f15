"""Strict fakes of vendors: each refuses the settings that the real one is known to refuse, with its status and words.

Facts come from recorded errors, vendors' documentation and reports of their users, named in each module, and not from
gateway_core/models: the tests hold the table to them.
"""

from collections.abc import Mapping

from tests.vendors import anthropic, google, openai, others
from tests.vendors.rules import Fake

FAKES: Mapping[tuple[str, str], Fake] = {
    ("openai", "openai"): openai.CHAT_FAKE,
    ("openai", "openai-responses"): openai.RESPONSES_FAKE,
    ("azure", "azure"): openai.CHAT_FAKE,
    ("anthropic", "anthropic"): anthropic.FAKE,
    ("google", "gemini"): google.FAKE,
    ("google", "openai"): google.COMPATIBLE,
    ("mistral", "mistral"): others.MISTRAL,
    ("mistral", "openai"): others.MISTRAL,
    ("cohere", "cohere"): others.COHERE,
    ("deepseek", "openai"): others.DEEPSEEK,
    ("groq", "openai"): others.GROQ,
    ("xai", "openai"): others.XAI,
    ("moonshot", "openai"): others.MOONSHOT,
    ("zai", "openai"): others.ZAI,
    ("perplexity", "openai"): others.PERPLEXITY,
    ("cerebras", "openai"): others.CEREBRAS,
    ("ollama", "openai"): others.OLLAMA,
    ("openrouter", "openai"): others.OPENROUTER,
    ("minimax", "openai"): others.MINIMAX,
    **{(name, "openai"): others.FREE for name in ("together", "fireworks", "cloudflare", "huggingface")},
}
"""By vendor and dialect."""
