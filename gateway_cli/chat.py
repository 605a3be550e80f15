"""`dragoman chat`: one question, and the answer as it is produced."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

from gateway_cli.core import Reach

if TYPE_CHECKING:
    from dragoman.v1.content_pb2 import Part
    from dragoman.v1.stream_pb2 import Finished, PartDelta, StreamEvent

DIM, PLAIN = "\x1b[2m", "\x1b[0m"


def chat(reach: Reach, message: str, *, model: str, system: str) -> int:
    return asyncio.run(_chat(reach, message, model=model or reach.settings().chat.model, system=system))


async def _chat(reach: Reach, message: str, *, model: str, system: str) -> int:
    import grpc

    from dragoman.status import unpack
    from dragoman.v1.chat_pb2 import ChatRequest
    from dragoman.v1.content_pb2 import Message, Part, Role
    from dragoman.v1.stream_pb2 import StreamRequest

    request = ChatRequest(model=model, messages=[Message(role=Role.ROLE_USER, parts=[Part(text=message)])])
    if system:
        request.messages.insert(0, Message(role=Role.ROLE_SYSTEM, parts=[Part(text=system)]))
    printer = Printer()
    async with reach.stub() as stub:
        try:
            async for batch in stub.Stream(StreamRequest(chat=request), metadata=reach.metadata()):
                for event in batch.events:
                    printer.show(event)
                sys.stdout.flush()
        except grpc.aio.AioRpcError as error:
            printer.end()
            print(f"dragoman: {unpack(error).message}", file=sys.stderr)
            return 1
    return 0


class Printer:
    """The answer goes to standard output; what is about the answer, dimmed, to the terminal beside it."""

    def __init__(self) -> None:
        self._at_line_start = True
        self._aside = sys.stderr.isatty()

    def show(self, event: StreamEvent) -> None:
        match event.WhichOneof("event"):
            case "started":
                for warning in event.started.warnings:
                    self._note(f"{warning.field}: {warning.message}")
            case "part_started":
                self._part(event.part_started.part)
            case "part_delta":
                self._delta(event.part_delta)
            case "finished":
                self.end()
                self._finished(event.finished)
            case _:
                pass

    def end(self) -> None:
        if not self._at_line_start:
            self._write("\n")

    def _part(self, part: Part) -> None:
        match part.WhichOneof("kind"):
            case "text":
                self._write(part.text)
            case "refusal":
                self._write(part.refusal)
            case "reasoning":
                self._think(part.reasoning.text)
            case "tool_call":
                self.end()
                self._write(f"{part.tool_call.name} {part.tool_call.arguments_json or part.tool_call.input}")
            case kind:
                self._note(f"[{kind}]")

    def _delta(self, delta: PartDelta) -> None:
        match delta.WhichOneof("delta"):
            case "text":
                self._write(delta.text)
            case "arguments_json":
                self._write(delta.arguments_json)
            case "input":
                self._write(delta.input)
            case "refusal":
                self._write(delta.refusal)
            case "reasoning":
                self._think(delta.reasoning)
            case _:
                pass

    def _finished(self, finished: Finished) -> None:
        if self._aside:
            usage = finished.usage
            answered = f"{finished.route.provider}/{finished.route.model}"
            self._note(f"{answered}, {usage.input_tokens} tokens in, {usage.output_tokens} out")

    def _write(self, text: str) -> None:
        if text:
            sys.stdout.write(text)
            self._at_line_start = text.endswith("\n")

    def _think(self, text: str) -> None:
        if self._aside and text:
            sys.stderr.write(f"{DIM}{text}{PLAIN}")
            sys.stderr.flush()

    def _note(self, text: str) -> None:
        sys.stdout.flush()
        print(f"{DIM}{text}{PLAIN}" if self._aside else text, file=sys.stderr)
