"""Mistral's chat completions API as we serve it to Mistral's own SDKs: OpenAI's face where the two agree."""
