"""docs/routing.md, word by word: each example is asked, and leads where the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dragoman.reasons import GatewayError
from gateway_core.call import Call
from gateway_core.execution.attempt import misfit
from gateway_core.models.price_book import PriceBook
from gateway_core.routing.affinity import Affinity
from gateway_core.routing.measurements import Measurements
from gateway_core.routing.ranking import Ranking
from gateway_core.routing.resolver import ModelResolver, route_of
from gateway_core.routing.selection import Selector
from gateway_core.settings.settings import load
from gateway_dialects.openai.parse_request import parse_chat

PAGE = (Path(__file__).parents[3] / "docs" / "routing.md").read_text()
(CONFIG,) = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLES = re.findall(r"^```json\n(.*?)^```\n\n(Asked|Refused): (.*?)\.?$", PAGE, re.MULTILINE | re.DOTALL)
FIELDS = re.compile(r"^### (.*)$", re.MULTILINE)


def asked(fields: Any, folder: Path) -> list[str]:
    config = folder / "dragoman.toml"
    config.write_text(CONFIG)
    settings = load(config, {})
    resolver = ModelResolver(settings)
    chat = parse_chat(json.dumps({"messages": [{"role": "user", "content": "Hi"}], **fields}).encode()).chat
    route = route_of(chat, resolver)
    if route.policy is not None or chat.HasField("routing"):
        route = Selector(Ranking(PriceBook({}, settings.prices), Measurements(), Affinity()), misfit).choose(
            chat, route, Call("r"), resolver.providers
        )
    return [target.name for target in route.targets]


@pytest.mark.parametrize(("body", "outcome", "said"), EXAMPLES)
def test_an_example(body: str, outcome: str, said: str, tmp_path: Path) -> None:
    if outcome == "Asked":
        assert asked(json.loads(body), tmp_path) == re.findall(r"`(.*?)`", said)
        return
    with pytest.raises(GatewayError) as caught:
        asked(json.loads(body), tmp_path)
    assert (caught.value.http_status, caught.value.message) == (404, said)


def test_every_example_is_read_and_every_preference_has_one() -> None:
    assert len(EXAMPLES) == PAGE.count("```json")
    named = {name for heading in FIELDS.findall(PAGE) for name in heading.split(", ")}
    assert {name for body, _, _ in EXAMPLES for name in json.loads(body).get("provider", {})} | {"models"} <= named
