"""LangChain's model over Google's SDK."""

from tests.sdks.python.langchain_chat import MODELS, image, structured, tools
from tests.sdks.python.world import TASK_HEADER, Names, World

__all__ = ["ERRORS", "MODELS", "header", "image", "structured", "tools"]
ERRORS = dict.fromkeys(("key", "model", "refused"), "ChatGoogleGenerativeAIError")


def header(names: Names, model: str, world: World) -> None:
    """Only a client as a whole has headers."""
    chat = names["model"].model_copy(update={"additional_headers": {TASK_HEADER: world.task}})
    kind = type(chat)
    again = kind(model=model, api_key=world.key, base_url=world.url, additional_headers={TASK_HEADER: world.task})
    again.invoke("Hello")
