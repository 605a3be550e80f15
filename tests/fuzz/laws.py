"""What holds of any input whatever: it is read, or refused with an error of the project's own; what is half is no success.

A case is a law, an exchange and a number: the same three make the same input again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest, ChatResponse
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_core.execution.streams import OpenStream
from gateway_core.transport.sse import SseDecoder
from gateway_dialects.kit.accumulate import accumulate
from gateway_dialects.kit.dialect import Dialect, Endpoint
from gateway_dialects.kit.json import UNREADABLE, decode_json
from tests.fuzz.mutate import mutated_json, mutated_stream
from tests.laws.language import Language
from tests.laws.reading import Replay, one_batch
from tests.laws.test_laws import LANGUAGES
from tests.properties.faces import FACES, Face
from tests.properties.targets import EVERY_DIALECT
from tests.recordings import Exchange

STATUSES = (100, 200, 301, 400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 529, 999)
HEADERS: Sequence[dict[str, str]] = (
    *({}, {"retry-after": "7"}, {"retry-after": "x"}, {"retry-after": "-1"}, {"retry-after-ms": "1e99"}),
    *({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, {"content-type": "text/html"}, {"x-should-retry": "maybe"}),
)
SCRAPS = (b"", b"[]", b'"x"', b"null", b"\xff", b"{", b"<html>", b"1" * 5000, b"[" * 100_000, b'{"error": 7}')


@dataclass(frozen=True)
class Law:
    """For all exchanges of a kind."""

    name: str
    seeds: Sequence[Exchange]
    input_of: Callable[[Exchange, Random], bytes]
    check: Callable[[bytes, Random], bool]
    """Whether it was taken. Raises what is a fault."""

    def run(self, exchange: Exchange, number: int) -> bool:
        chance = self.chance(exchange, number)
        return self.check(self.input_of(exchange, chance), chance)

    def input(self, exchange: Exchange, number: int) -> bytes:
        return self.input_of(exchange, self.chance(exchange, number))

    def chance(self, exchange: Exchange, number: int) -> Random:
        return Random(f"{self.name} {exchange.name} {number}")


def answers(language: Language) -> Law:
    """Decoded and rendered for every API, or refused. What has no end is no answer."""
    seeds = [found for found in language.successful() if isinstance(found.body, dict)]
    donors = [found.body for found in seeds]

    def check(data: bytes, chance: Random) -> bool:
        try:
            answer = language.client.chat.decode(data, "p")
        except GatewayError as refused:
            return check_refusal(refused)
        assert answer.candidates
        assert all(candidate.finish_reason for candidate in answer.candidates) or is_under_way(answer)
        for other in LANGUAGES:
            rendered(other, answer)
        return True

    return Law(f"answers of {language.name}", seeds, lambda seed, chance: mutated_json(seed.body, chance, donors), check)


def is_under_way(answer: ChatResponse) -> bool:
    """A background response."""
    details = json.loads(answer.provider_details_json.get("openai-responses", "{}"))
    return bool(details.get("background")) and details.get("status") in ("queued", "in_progress")


def rendered(language: Language, answer: ChatResponse) -> None:
    try:
        json.loads(language.render(answer))
    except GatewayError as refused:
        check_refusal(refused)


def check_refusal(failure: GatewayError) -> bool:
    assert failure.reason is not Reason.INTERNAL
    assert failure.message
    return False


def streams(language: Language) -> Law:
    """Read, folded and written for every API, or refused: in the same way however they are split, not before their end."""
    seeds = [found for found in language.successful() if "stream" in found.response]
    donors = [found.stream for found in seeds]

    def check(data: bytes, chance: Random) -> bool:
        check_early_end(language.client, data, chance)
        batches, failure = read(language.client, [data])
        again = read(language.client, pieces_of(data, chance))
        assert (one_batch(again[0]), message_of(again[1])) == (one_batch(batches), message_of(failure))
        kinds = [event.WhichOneof("event") for event in one_batch(batches).events]
        assert kinds.count("finished") == (failure is None)
        for other in LANGUAGES:
            written(other, batches, failure)
        if failure is not None:
            return check_refusal(failure)
        assert kinds[-1] == "finished"
        assert all(candidate.finish_reason for candidate in accumulate(batches).candidates)
        return True

    return Law(f"streams of {language.name}", seeds, lambda seed, chance: mutated_stream(seed.stream, chance, donors), check)


def read(dialect: Dialect, pieces: Sequence[bytes]) -> tuple[list[StreamResponse], GatewayError | None]:
    """What came, and why it ended early."""
    batches: list[StreamResponse] = []

    async def collect() -> None:
        opened = OpenStream(Replay(pieces), dialect, Endpoint("p", dialect.name, "http://p"))
        batches.append(opened.first)
        await opened.open()
        async for batch in opened.batches():
            batches.append(batch)

    try:
        LOOP.run(collect())
    except GatewayError as failure:
        return batches, failure
    return batches, None


LOOP = asyncio.Runner()


def message_of(failure: GatewayError | None) -> str:
    return "" if failure is None else f"{failure.reason} {failure.message}"


def pieces_of(data: bytes, chance: Random) -> list[bytes]:
    cuts = sorted(chance.randrange(len(data) + 1) for _ in range(chance.choice((1, 3, 20))))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def check_early_end(dialect: Dialect, data: bytes, chance: Random) -> None:
    """A stream that ends before all is there is interrupted."""
    if b"\\ud" in data:
        # Halves of characters wait for one another: only the end tells what is there.
        return
    events, batch = SseDecoder().feed(data), StreamResponse()
    decoder = dialect.stream.decoder()
    try:
        for event in events[: chance.randrange(len(events) + 1)]:
            decoder.feed(event, batch)
        if decoder.complete:
            return
        decoder.finish(batch)
    except GatewayError as failure:
        check_refusal(failure)
        return
    raise AssertionError("half a stream is taken for the whole")


def written(language: Language, batches: Sequence[StreamResponse], failure: GatewayError | None) -> None:
    writer = language.writer()
    for batch in batches:
        if batch.events:
            writer.render(batch)
    if failure is not None and any(batch.events for batch in batches):
        writer.fail(failure)


def failures(language: Language) -> Law:
    """Any body of any status is an error with a reason; what tells usage is read, or tells none."""
    seeds = [found for found in language.exchanges if isinstance(found.body, dict)]
    client = language.client

    def input_of(seed: Exchange, chance: Random) -> bytes:
        return chance.choice(SCRAPS) if chance.random() < 0.05 else mutated_json(seed.body, chance, ())

    def check(data: bytes, chance: Random) -> bool:
        counting = (client.count_tokens,) if client.count_tokens else ()
        for operation in (client.chat, client.stream, client.list_models, *counting):
            check_refusal(operation.decode_error(chance.choice(STATUSES), chance.choice(HEADERS), data))
        for other in (client.list_models, *counting):
            try:
                other.decode(data, "p")
            except GatewayError as refused:
                check_refusal(refused)
        return metered(client, data)

    return Law(f"failures of {language.name}", seeds, input_of, check)


def metered(dialect: Dialect, data: bytes) -> bool:
    try:
        found = decode_json(data)
    except UNREADABLE:
        return False
    report = dialect.find_usage(found) if isinstance(found, dict) else None
    if report is not None:
        dialect.read_usage(report.raw)
    return report is not None


def requests(face: Face) -> Law:
    """Parsed and encoded for every dialect, or refused."""
    language = next(one for one in LANGUAGES if one.name == face.name)
    donors = [found.request["body"] for found in language.with_body()]

    def input_of(seed: Exchange, chance: Random) -> bytes:
        return mutated_json(seed.request["body"], chance, donors)

    def check(data: bytes, chance: Random) -> bool:
        try:
            request = face.parse(data)
        except GatewayError as refused:
            return check_refusal(refused)
        except RecursionError:
            # The facade's to refuse: see Exchange.parsed.
            return False
        for target in EVERY_DIALECT:
            encoded(target.encode, request, chance.random() < 0.5)
        return True

    return Law(f"requests of {face.name}", language.with_body(), input_of, check)


def encoded(encode: Callable[[ChatRequest, bool], Any], request: ChatRequest, stream: bool) -> None:
    try:
        encode(request, stream)
    except GatewayError as refused:
        check_refusal(refused)


LAWS: Sequence[Law] = (
    *(answers(language) for language in LANGUAGES),
    *(streams(language) for language in LANGUAGES),
    *(failures(language) for language in LANGUAGES),
    *(requests(face) for face in FACES),
)
