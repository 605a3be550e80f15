"""OpenAI's chat completions API as Azure serves it: Azure OpenAI's deployments, its v1 surface, and AI Foundry's models.

The requests and answers are those of the openai dialect; what differs is where a model is found, how the key travels, and
what Azure's content filter adds.
"""
