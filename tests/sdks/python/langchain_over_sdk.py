"""LangChain's models over the SDK whose errors they raise."""

from tests.sdks.python.langchain_chat import MODELS, header, image, structured, tools

__all__ = ["ERRORS", "MODELS", "header", "image", "structured", "tools"]
ERRORS = {"key": "AuthenticationError", "model": "NotFoundError", "refused": "BadRequestError"}
