"""Cohere's chat API (v2/chat)."""
