"""OpenAI's Responses API as a provider's language."""
