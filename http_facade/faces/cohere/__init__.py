"""Cohere's chat API as we serve it."""
