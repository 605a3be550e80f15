"""Options that only one dialect can answer."""

from __future__ import annotations

import json

import pytest

from dragoman.reasons import GatewayError, Reason
from dragoman.v1.chat_pb2 import ChatRequest
from gateway_core.execution.attempt import refuse_options
from gateway_core.providers.registry import DIALECTS
from gateway_dialects.kit.dialect import Dialect

OTHERS = [dialect for dialect in DIALECTS.values() if dialect.name != "openai-responses"]


def asking(options: str) -> ChatRequest:
    return ChatRequest(model="m", provider_options_json={"openai-responses": options, "of-nobody": options})


@pytest.mark.parametrize("dialect", OTHERS, ids=lambda dialect: dialect.name)
@pytest.mark.parametrize(
    ("field", "value"), [("conversation", "conv_1"), ("conversation", {"id": "c"}), ("prompt", {"id": "p"})]
)
def test_a_reference_that_the_target_cannot_follow(dialect: Dialect, field: str, value: object) -> None:
    with pytest.raises(GatewayError) as caught:
        refuse_options(asking(json.dumps({field: value})), dialect)
    assert (caught.value.reason, caught.value.field) == (Reason.UNSUPPORTED, field)
    assert caught.value.message.startswith(f"{field}: ")
    assert caught.value.tries_next_target


def test_a_reference_that_the_target_can_follow() -> None:
    refuse_options(asking('{"conversation": "conv_1"}'), DIALECTS["openai-responses"])


@pytest.mark.parametrize(
    "options",
    ["{}", '{"conversation": null}', '{"metadata": {"prompt": "x"}}', '{"prompt', "[1]", '{"prompt_cache_key": "k"}'],
)
def test_what_refers_to_nothing(options: str) -> None:
    refuse_options(asking(options), DIALECTS["anthropic"])


@pytest.mark.parametrize(
    "dialect", [one for one in DIALECTS.values() if one.name != "openai-completions"], ids=lambda one: one.name
)
@pytest.mark.parametrize("options", [{"suffix": "."}, {"echo": True}])
def test_what_only_text_completions_have(dialect: Dialect, options: dict[str, object]) -> None:
    request = ChatRequest(model="m", provider_options_json={"openai-completions": json.dumps(options)})
    with pytest.raises(GatewayError) as caught:
        refuse_options(request, dialect)
    assert (caught.value.reason, caught.value.field) == (Reason.UNSUPPORTED, next(iter(options)))
    refuse_options(request, DIALECTS["openai-completions"])
