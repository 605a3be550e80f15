"""Anthropic's Messages API, as Anthropic and the vendors compatible with it serve it."""
