"""Models of each vendor, as the vendor names them: at least one of each family of the product's table."""

from collections.abc import Mapping

MODELS: Mapping[str, tuple[str, ...]] = {
    "openai": (
        *("gpt-3.5-turbo", "gpt-4", "gpt-4-turbo", "gpt-4o-2024-05-13", "gpt-4o", "chatgpt-4o-latest", "gpt-audio"),
        *("gpt-4o-search-preview", "gpt-4.1-mini", "gpt-4.5-preview", "gpt-5-chat-latest", "gpt-5.2-chat-latest"),
        *("gpt-5-pro", "gpt-5-mini", "gpt-5-codex", "gpt-5.1", "gpt-5.1-codex", "gpt-5.1-codex-max", "gpt-5.2", "gpt-5.4"),
        *("gpt-5.4-pro", "gpt-5.3-codex", "gpt-5.5", "gpt-5-neptune", "o1-mini", "o3-mini", "o1", "o3", "o4-mini"),
        *("o3-deep-research", "codex-mini-latest", "gpt-7"),
    ),
    "azure": ("gpt-4o", "gpt-5-mini", "o3"),
    "anthropic": (
        *("claude-2.1", "claude-3-haiku-20240307", "claude-3-5-haiku-latest", "claude-3-7-sonnet-latest"),
        *("claude-opus-4-20250514", "claude-sonnet-4-20250514", "claude-opus-4-1-20250805", "claude-haiku-4-5"),
        *(
            "claude-sonnet-4-5",
            "claude-opus-4-5",
            "claude-opus-4-6",
            "claude-opus-4-7",
            "claude-opus-4-8",
            "claude-haiku-5",
            "claude-opus-5",
            "claude-opus-5-5",
        ),
        *("claude-sonnet-5-1", "claude-fable-5", "claude-mythos-5-1", "claude-neptune"),
    ),
    "google": (
        *("gemini-1.5-pro", "gemini-2.0-flash", "gemini-2.5-flash", "gemini-2.5-flash-lite", "gemini-2.5-pro"),
        *("gemini-2.5-flash-image", "gemini-2.5-pro-preview-06-05", "gemini-2.5-flash-preview-09-2025"),
        *("gemini-2.5-flash-preview-09-2025-flash-lite", "gemini-3-pro-preview", "gemini-3-pro-image-preview"),
        *("gemini-3-flash-preview", "gemini-3.1-pro-preview", "gemini-4-flash", "gemini-4", "gemma-3-27b-it", "gemma-4-31b"),
    ),
    "mistral": (
        *("magistral-medium-latest", "mistral-small-latest", "mistral-large-latest", "pixtral-large-latest"),
        *("codestral-2508",),
    ),
    "cohere": (
        *("command-a-vision-07-2025", "command-a-reasoning-08-2025", "command-a-03-2025", "command-r7b-12-2024"),
        *("command-light",),
    ),
    "deepseek": ("deepseek-chat", "deepseek-reasoner", "deepseek-v4-pro", "deepseek-v3.2"),
    "groq": (
        "llama-3.3-70b-versatile",
        "openai/gpt-oss-120b",
        "qwen/qwen3-32b",
        "meta-llama/llama-4-scout-17b-16e-instruct",
    ),
    "xai": (
        *("grok-3", "grok-3-mini", "grok-4", "grok-4.3", "grok-4.5", "grok-4-1-fast-non-reasoning", "grok-code-fast-1"),
        *("grok-4.20-multi-agent-0309",),
    ),
    "moonshot": ("moonshot-v1-8k", "kimi-k2-0905-preview", "kimi-k2-thinking", "kimi-k2.5", "kimi-k2.6"),
    "zai": ("glm-4.6",),
    "perplexity": ("sonar", "sonar-pro"),
    "cerebras": ("llama-3.3-70b", "gpt-oss-120b", "llama-4-scout-17b-16e-instruct"),
    "together": ("meta-llama/Llama-3.3-70B-Instruct-Turbo", "deepseek-ai/DeepSeek-V3.1"),
    "fireworks": ("accounts/fireworks/models/llama-v3p1-8b-instruct",),
    "cloudflare": ("@cf/meta/llama-3.2-11b-vision-instruct",),
    "huggingface": ("meta-llama/Llama-3.1-8B-Instruct",),
    "ollama": ("gpt-oss:20b", "llama3.2"),
    "minimax": ("MiniMax-M2",),
    "openrouter": ("openai/gpt-5", "anthropic/claude-sonnet-4.5", "x-ai/grok-4", "meta-llama/llama-3.3-70b-instruct"),
}
