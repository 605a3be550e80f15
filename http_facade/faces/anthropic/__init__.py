"""Anthropic's Messages API as we serve it."""
