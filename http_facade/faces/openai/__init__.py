"""OpenAI's REST and SSE API as we serve it."""
