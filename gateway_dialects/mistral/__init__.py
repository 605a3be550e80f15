"""Mistral's chat completions API: OpenAI's in outline, with content lists, call ids and refusals of its own."""
