"""The demo provider: a pure function from an HTTP request to the script of its answer, and its models, which docs/demo.md
describes for users."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle, islice

import msgspec

from gateway_core.providers.demo import script as scripts
from gateway_core.providers.demo.completions import CREATED, streamed_answer, whole_answer
from gateway_core.providers.demo.moves import (
    Call,
    End,
    Fail,
    Move,
    Say,
    Wait,
    bounded,
    refuse,
    say,
    scripted_moves,
    think,
    words,
)
from gateway_core.providers.demo.question import Question, ToolRow, read_question
from gateway_core.providers.demo.schema import instance_of

Answer = Iterable[Move] | scripts.Script
NATURE = ("the", "quick", "brown", "fox", "jumps", "over", "the", "lazy", "dog", "and", "runs", "on")
RETRY_AFTER_S = 1
HTML_HEADERS = {"content-type": "text/html"}
HTML = b"<!doctype html>\n<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n"


@dataclass(frozen=True, slots=True)
class DemoModel:
    """A row of the table of models; N in a name stands for a number."""

    name: str
    description: str
    answer: Callable[[Question, int], Answer]
    """(request, N or the row's own default) -> what the model does. Raises Unreadable for requests that it cannot serve."""
    number: int = 0
    """The default of N, and the one that the list of models shows."""
    listed: bool = True

    @property
    def example(self) -> str:
        return self.name.replace("N", str(self.number))


def reply_text(question: Question, usual: str = "text") -> str:
    """The answer of a model that works: the last user text, or JSON. usual: its type where the request names none."""
    match question.response_format or {"type": usual}:
        case {"type": "json_schema", "json_schema": {**described}}:
            return scripts.spaced(instance_of(described.get("schema") or {"type": "object"}))
        case {"type": "json_object"}:
            return scripts.spaced({"echo": question.text()})
        case _:
            return question.text()


def slow(question: Question, pause_ms: int) -> Iterator[Move]:
    for move in say(reply_text(question)):
        yield Wait(pause_ms / 1000)
        yield move


def reasoning(question: Question, _: int) -> Iterator[Move]:
    yield from think(f"The user said {len(words(question.text()))} words. I say them back.")
    yield from say(reply_text(question))


def call_all_or_answer(question: Question, _: int) -> Answer:
    return call_or_answer(question, parallel=True)


def call_or_answer(question: Question, _: int = 0, *, parallel: bool = False) -> Answer:
    if results := question.tool_results():
        text = "\n".join(f"{name} answered: {result}" for name, result in results)
        return say(reply_text(question) if question.response_format else text)
    return calls_for(question, parallel) or say(reply_text(question))


def error(question: Question, status: int) -> Answer:
    retry_after_s = RETRY_AFTER_S if status == 429 else None
    return scripts.error_script(status, f"The demo fails with status {status}, as asked.", retry_after_s=retry_after_s)


def error_after(_: Question, count: int) -> Iterator[Move]:
    yield from say(long_text(count))
    yield Fail(500, f"The demo fails after {count} deltas, as asked.")


def breaking(count: int, ending: scripts.Ending) -> Iterator[Move]:
    # With nothing to say there is still the frame that announces an answer.
    yield from say(long_text(count)) if count else (Say(""),)
    yield End(ending)


def eof(question: Question, _: int) -> Iterator[Move]:
    yield from say(reply_text(question))
    yield End(None)


def headers_of(question: Question) -> Mapping[str, str]:
    return scripts.EVENT_STREAM if question.stream else scripts.JSON


def broken(question: Question, _: int) -> Answer:
    if question.stream:
        return scripts.Script([b'data: {"id": "chatcmpl-demo", "choices": [{\n\n'], headers=scripts.EVENT_STREAM)
    return scripts.Script([b'{"id": "chatcmpl-demo", "choices": [{'])


def flaky(question: Question, failures: int) -> Answer:
    if question.asked_before() % (failures + 1) < failures:
        return scripts.error_script(503, f"The demo fails {failures} times, as asked, and then answers.")
    return say(reply_text(question))


def long_text(count: int) -> str:
    return " ".join(islice(cycle(NATURE), count))


def first_half(question: Question, finish: str) -> Iterator[Move]:
    said = words(reply_text(question))
    yield from map(Say, said[: (len(said) + 1) // 2])
    yield End(finish)


def script(question: Question, _: int) -> Answer:
    if question.tool_results():
        return call_or_answer(question)
    return scripted_moves(question.text())


MODELS = (
    DemoModel("echo", "Says the last user text back, word by word.", lambda asked, _: say(reply_text(asked))),
    DemoModel("slow", "echo, with 50 ms before each word.", slow, 50),
    DemoModel("slow-N", "echo, with N ms before each word.", slow, 200),
    DemoModel("reasoning", "Reasons, then echoes.", reasoning),
    DemoModel("tools", "Calls the first tool, or the one that tool_choice names; then quotes its result.", call_or_answer),
    DemoModel("tools-parallel", "Calls all tools at once; then quotes their results.", call_all_or_answer),
    DemoModel("json", "Answers a JSON object.", lambda asked, _: say(reply_text(asked, "json_object"))),
    DemoModel("long-N", "Says N words.", lambda _, count: say(long_text(count)), 100),
    DemoModel("length", "Stops half way with the finish reason length.", lambda asked, _: first_half(asked, "length")),
    DemoModel(
        "filter",
        "Stops half way with the finish reason content_filter.",
        lambda asked, _: first_half(asked, "content_filter"),
    ),
    DemoModel("refusal", "Refuses.", lambda _, __: refuse("I am sorry, but I cannot help with that.")),
    *(
        DemoModel(f"error-{status}", f"Fails with status {status}.", error, status)
        for status in (400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 529)
    ),
    DemoModel("error-N", "Fails with status N.", error, 418, listed=False),
    DemoModel("error-after-N", "Fails within the stream after N words.", error_after, 3),
    DemoModel("flaky-N", "Fails with status 503 N times for the same request, then echoes.", flaky, 2),
    DemoModel("cut", "Breaks the connection after 3 words.", lambda _, count: breaking(count, scripts.Ending.CUT), 3),
    DemoModel("cut-N", "Breaks the connection after N words.", lambda _, count: breaking(count, scripts.Ending.CUT), 5),
    DemoModel("eof", "Echoes, then ends the stream without a finish reason.", eof),
    DemoModel("stall", "Sends a head and then nothing.", lambda _, __: [End(scripts.Ending.STALL)]),
    DemoModel("stall-N", "Says N words and then nothing more.", lambda _, count: breaking(count, scripts.Ending.STALL), 3),
    DemoModel("html", "Fails with status 502 and an HTML page.", lambda _, __: scripts.Script([HTML], 502, HTML_HEADERS)),
    DemoModel(
        "empty",
        "Answers an empty body.",
        lambda asked, _: scripts.Script([], headers=scripts.EVENT_STREAM if asked.stream else scripts.JSON),
    ),
    DemoModel("broken", "Answers broken JSON.", broken),
    DemoModel("script", "Does what the last user text says: a JSON list of steps.", script),
)
PLAIN = {model.name: model for model in MODELS if "N" not in model.name}
NUMBERED = {model.name.removesuffix("-N"): model for model in MODELS if "N" in model.name}
NUMBERED_NAME = re.compile(r"(.+)-(\d{1,5})")


def find_model(name: str) -> tuple[DemoModel, int] | None:
    """The model and its N. None when there is no such model."""
    if found := PLAIN.get(name):
        return found, found.number
    numbered = NUMBERED_NAME.fullmatch(name)
    if numbered is None or (found := NUMBERED.get(numbered[1])) is None:
        return None
    number = int(numbered[2])
    return (found, number) if found.answer is not error or 400 <= number < 600 else None


def model_list() -> scripts.Script:
    rows = [
        {
            "id": model.example,
            "object": "model",
            "created": CREATED,
            "owned_by": "dragoman",
            "description": model.description.replace(" N ", f" {model.number} "),
        }
        for model in MODELS
        if model.listed
    ]
    return scripts.Script([scripts.encode_json({"object": "list", "data": rows})])


def never() -> int:
    return 0


def answer(method: str, path: str, body: bytes, asked_before: Callable[[], int] = never) -> scripts.Script:
    """What a provider of OpenAI's API would do, failures included. asked_before: how often this very request came
    before; it is asked at most once, by models whose answer depends on it."""
    if (method, path) == ("GET", "/models"):
        return model_list()
    if (method, path) != ("POST", "/chat/completions"):
        return scripts.error_script(404, f"Unknown request URL: {method} {path}.", code="unknown_url")
    try:
        return chat(read_question(body, asked_before))
    except scripts.Unreadable as error:
        return scripts.error_script(400, f"{error}.")


def chat(question: Question) -> scripts.Script:
    """Raises Unreadable for a request that the model cannot serve."""
    found = find_model(question.model)
    if found is None:
        names = ", ".join(model.name for model in MODELS if not model.name.startswith("error-") or "N" in model.name)
        message = f"The model {question.model} does not exist. The demo has: {names} (N is a number)."
        return scripts.error_script(404, message, param="model")
    model, number = found
    answered = model.answer(question, number)
    if isinstance(answered, scripts.Script):
        return answered
    moves = bounded(answered, question.stop, question.max_tokens)
    return streamed_answer(question, moves) if question.stream else whole_answer(question, moves)


def calls_for(question: Question, parallel: bool) -> list[Call]:
    """The calls: of the tool that tool_choice forces, or of the first tool, or of all tools. Raises Unreadable when a tool
    is forced that was not offered."""
    offered = [tool for tool in question.tools if tool.name]
    match question.tool_choice:
        case "none":
            return []
        case {"type": "allowed_tools", "allowed_tools": {"tools": list(allowed)}}:
            names = {read_choice(tool).name for tool in allowed}
            offered = [tool for tool in offered if tool.name in names]
        case {"type": "function" | "custom"} as forced:
            name = read_choice(forced).name
            offered = [tool for tool in offered if tool.name == name]
            if not offered:
                raise scripts.Unreadable(f"tool_choice names {name}, which is not among the tools")
    return [call_of(tool) for tool in (offered if parallel and question.parallel else offered[:1])]


def read_choice(choice: object) -> ToolRow:
    try:
        return msgspec.convert(choice, ToolRow)
    except msgspec.ValidationError as error:
        raise scripts.Unreadable(f"tool_choice cannot be read: {error}") from None


def call_of(tool: ToolRow) -> Call:
    if tool.function is None:
        return Call(tool.name, "demo input", custom=True)
    arguments = instance_of(tool.function.parameters or {"type": "object"})
    return Call(tool.name, scripts.spaced(arguments if isinstance(arguments, dict) else {}))
