"""LangChain's model over OpenRouter's SDK."""

from tests.sdks.python.langchain_chat import MODELS, image, structured, tools

__all__ = ["ERRORS", "MODELS", "image", "structured", "tools"]
ERRORS = {
    "key": "UnauthorizedResponseError or ChatError",
    "model": "NotFoundResponseError or OpenRouterDefaultError",
    "refused": "BadRequestResponseError or ChatError",
}
