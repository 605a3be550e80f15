"""A gateway whose clients speak OpenAI's Responses API, with providers of other dialects behind it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from openai import OpenAI

from gateway_core.settings.settings import ProviderSettings
from gateway_dialects.kit.dialect import Secret
from tests.http_facade.serving import Facade, Provided, serving, settings_for
from tests.upstream import json_reply, running_upstream

DIALECTS = ("openai", "anthropic", "openai-responses")


@pytest.fixture(scope="package", params=[False, True], ids=["joined", "split"])
def house(request: pytest.FixtureRequest) -> Iterator[Provided]:
    """at-DIALECT/... is asked at the upstream, which does what a test says; at-both/... by chat completions or Responses."""
    with running_upstream(lambda _: json_reply({})) as upstream:
        providers = tuple(ProviderSettings(f"at-{name}", name, upstream.url, (Secret("sk-up"),)) for name in DIALECTS)
        both = ProviderSettings("at-both", "openai", upstream.url, (Secret("sk-up"),), apis=("openai", "openai-responses"))
        demo = settings_for().providers
        with serving(settings_for(providers=(*demo, *providers, both)), split=request.param) as running:
            yield Provided(running, upstream)
            running.assert_serves()


@pytest.fixture(scope="package")
def sdk(house: Provided) -> Iterator[OpenAI]:
    with client_of(house.facade) as client:
        yield client


def client_of(facade: Facade, key: str = "any") -> OpenAI:
    return OpenAI(base_url=f"{facade.url}/v1", api_key=key, max_retries=0, timeout=20.0)
