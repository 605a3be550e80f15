"""OpenAI's chat completions API, as OpenAI and the vendors compatible with it serve it."""
