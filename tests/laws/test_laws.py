"""The laws of translation, for every wire language over every exchange in it: identity, fold, any split, any truncation.

A language is one module in languages/ and one name in LANGUAGES. What only one of them has is in test_<language>.py.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable

import pytest

from dragoman.reasons import GatewayError, Reason
from gateway_core.providers.registry import DIALECTS
from gateway_dialects.kit.accumulate import accumulate
from tests.laws.language import JSON, Language
from tests.laws.languages.anthropic import ANTHROPIC
from tests.laws.languages.azure import AZURE
from tests.laws.languages.cohere import COHERE
from tests.laws.languages.completions import COMPLETIONS
from tests.laws.languages.gemini import GEMINI
from tests.laws.languages.mistral import MISTRAL
from tests.laws.languages.openai import OPENAI
from tests.laws.languages.openai_responses import OPENAI_RESPONSES
from tests.laws.reading import one_batch, read_stream
from tests.recordings import Exchange, recordings_absent

LANGUAGES = (OPENAI, OPENAI_RESPONSES, ANTHROPIC, AZURE, GEMINI, COHERE, MISTRAL, COMPLETIONS)

Kind = Callable[[Language], list[Exchange]]


def over(kind: Kind) -> pytest.MarkDecorator:
    """Every exchange of a kind, in every language."""
    found = [(language, exchange) for language in LANGUAGES for exchange in kind(language)]
    return pytest.mark.parametrize(("language", "exchange"), found, ids=lambda value: value.name)


every_language = pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.name)


def test_every_dialect_is_a_language() -> None:
    assert {language.name: language.client for language in LANGUAGES} == dict(DIALECTS)


@every_language
@pytest.mark.parametrize(
    "kind",
    [Language.requests, Language.answers, Language.streams, Language.short_streams, Language.failed_streams],
    ids=lambda kind: kind.__name__,
)
def test_a_clone_alone_has_a_case_of_every_law(language: Language, kind: Kind) -> None:
    assert [exchange for exchange in kind(language) if exchange.is_fixture]


@pytest.mark.skipif(bool(recordings_absent()), reason=recordings_absent())
@every_language
def test_recordings_are_read(language: Language) -> None:
    assert len(language.requests()) >= language.least.requests
    assert len(language.answers()) >= language.least.answers
    assert len(language.streams()) >= language.least.streams
    named = {*language.failed, *language.refused, *language.broken}
    assert named <= {exchange.name for exchange in language.exchanges}


@over(Language.requests)
def test_request_identity(language: Language, exchange: Exchange) -> None:
    body, model = exchange.request["body"], language.model_of(exchange)
    chat, stream = language.parse(exchange)
    upstream, warnings = language.client.encode_chat(chat, model, language.endpoint_of(exchange), stream)
    sent = json.loads(upstream.body)
    assert language.canonical_request(sent) == language.canonical_request(body)
    assert list(warnings) == []
    assert sent.get("model") == (model if "model" in body else None)
    assert stream is language.is_stream(exchange)
    assert sent.get("stream", False) is (body.get("stream") or False)


@over(Language.answers)
def test_answer_identity(language: Language, exchange: Exchange) -> None:
    decoded = language.client.chat.decode(json.dumps(exchange.body).encode(), "p")
    ours: JSON = json.loads(language.render(decoded))
    assert language.canonical_answer(language.comparable(ours, exchange.body)) == language.canonical_answer(exchange.body)


@over(Language.streams)
def test_stream_identity(language: Language, exchange: Exchange) -> None:
    rendered = language.render_stream(exchange.stream)
    canonical = language.canonical_fold or language.canonical_answer
    ours, theirs = language.fold_stream(rendered), language.fold_stream(exchange.stream)
    assert canonical(language.comparable(ours, theirs)) == canonical(theirs)
    assert language.live(rendered) == language.live(exchange.stream)
    assert rendered.endswith(language.ending)


@over(Language.streams)
def test_a_whole_answer_is_the_fold_of_its_stream(language: Language, exchange: Exchange) -> None:
    folded = accumulate(read_stream(language.client, [exchange.stream]))
    whole = language.client.chat.decode(json.dumps(language.fold_stream(exchange.stream)).encode(), "p")
    rendered = [language.canonical_answer(json.loads(language.render(answer))) for answer in (folded, whole)]
    assert rendered[0] == rendered[1]
    assert language.same_in_fold(folded) == language.same_in_fold(whole)


@over(Language.short_streams)
def test_any_split_gives_the_same_events(language: Language, exchange: Exchange) -> None:
    stream = exchange.stream
    expected = one_batch(read_stream(language.client, [stream]))
    assert one_batch(read_stream(language.client, [stream[i : i + 1] for i in range(len(stream))])) == expected
    chance = random.Random(exchange.name)
    for _ in range(20):
        cut = chance.randrange(len(stream))
        assert one_batch(read_stream(language.client, [stream[:cut], stream[cut:]])) == expected


@over(Language.streams)
def test_any_truncation_is_an_error(language: Language, exchange: Exchange) -> None:
    """Cut anywhere before the answer is all there, the stream must not look complete; cut behind it, it is."""
    stream, chance = exchange.stream, random.Random(exchange.name)
    end = language.end_of_content(stream)
    last = [max(stream.rfind(name, 0, end), 0) for name in (b"event:", b"data:")]
    for cut in [0, 1, *last, end - 1, *(chance.randrange(end) for _ in range(25))]:
        with pytest.raises(GatewayError) as caught:
            read_stream(language.client, [stream[:cut]])
        assert caught.value.reason is Reason.STREAM_INTERRUPTED
    accumulate(read_stream(language.client, [stream[:end]]))


@over(Language.failed_streams)
def test_an_error_inside_a_stream_is_raised(language: Language, exchange: Exchange) -> None:
    with pytest.raises(GatewayError) as caught:
        read_stream(language.client, [exchange.stream])
    assert caught.value.reason is language.failed[exchange.name]
    assert caught.value.metadata["upstream_message"]
