"""OpenAI's Responses API as we serve it."""
