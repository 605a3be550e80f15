"""LangChain's model over Google's SDK."""

from tests.sdks.python.langchain_chat import MODELS, image, structured, tools
from tests.sdks.python.world import TASK_HEADER, Names, World

__all__ = ["ERRORS", "MODELS", "header", "image", "structured", "tools"]
ERRORS = {
    "key": "ChatGoogleGenerativeAIError",
    "model": "ChatGoogleGenerativeAIError",
    "refused": "ChatGoogleGenerativeAIError or GoogleContextOverflowError",
}


def header(names: Names, model: str, world: World) -> None:
    """Only a client as a whole has headers."""
    kind = names["ChatGoogleGenerativeAI"]
    told = kind(model=model, api_key=world.key, base_url=world.url, additional_headers={TASK_HEADER: world.task})
    told.invoke("Hello")
