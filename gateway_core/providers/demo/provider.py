"""The demo provider: a pure function from an HTTP request to the script of its answer."""

from __future__ import annotations

from collections.abc import Callable

from gateway_core.providers.demo.bounds import bounded
from gateway_core.providers.demo.models import MODELS, find_model, model_list
from gateway_core.providers.demo.question import Question, read_question
from gateway_core.providers.demo.script import Script, Unreadable, error_script
from gateway_core.providers.demo.streamed import streamed_answer
from gateway_core.providers.demo.whole import whole_answer


def never() -> int:
    return 0


def answer(method: str, path: str, body: bytes, asked_before: Callable[[], int] = never) -> Script:
    """What a provider of OpenAI's API would do, failures included. `asked_before` tells how often this very request came
    before; it is asked at most once, by models whose answer depends on it."""
    if (method, path) == ("GET", "/models"):
        return model_list()
    if (method, path) != ("POST", "/chat/completions"):
        return error_script(404, f"Unknown request URL: {method} {path}.", code="unknown_url")
    try:
        return chat(read_question(body, asked_before))
    except Unreadable as error:
        return error_script(400, f"{error}.")


def chat(question: Question) -> Script:
    """Raises Unreadable for a request that the model cannot serve."""
    found = find_model(question.model)
    if found is None:
        names = ", ".join(model.name for model in MODELS if not model.name.startswith("error-") or "N" in model.name)
        message = f"The model {question.model} does not exist. The demo has: {names} (N is a number)."
        return error_script(404, message, param="model")
    model, number = found
    told = model.answer(question, number)
    if isinstance(told, Script):
        return told
    moves = bounded(told, question.stop, question.max_tokens)
    return streamed_answer(question, moves) if question.stream else whole_answer(question, moves)
