"""OpenRouter's API as we serve it: OpenAI's chat completions, with more in and more out."""
