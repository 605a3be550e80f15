"""The served APIs. A new one is a module here and a line in APIS."""

from http_facade import proxy
from http_facade.apis import anthropic, azure, cohere, completions, gemini, mistral, openai, openai_responses, openrouter

APIS = (
    openai.API,
    openrouter.API,
    anthropic.API,
    gemini.API,
    mistral.API,
    cohere.API,
    azure.API,
    completions.API,
    openai_responses.API,
    proxy.API,
)
"""Where several recognise a client, the first counts; whom none recognises is the first's."""
