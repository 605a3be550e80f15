"""OpenAI's legacy text completions as we serve them, over a chat."""
