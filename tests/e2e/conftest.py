"""What the end-to-end tests share: one gateway of each mode for all tests that leave it running."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest
from openai import OpenAI

from tests.e2e.conversations import refused
from tests.e2e.gateways import KEY, MODES, PROVIDER_KEY, Gateway, Provider, Start
from tests.upstream import running_upstream

QUICK_RETRIES = "[retries]\ninitial = 0.01\njitter = 0\n"


@pytest.fixture(scope="session")
def provider() -> Iterator[Provider]:
    """Speaks OpenAI's API; the gateway knows it by OPENAI_API_URL and OPENAI_API_KEY."""
    served = Provider()
    with running_upstream(served) as upstream:
        served.url = upstream.url
        yield served


@pytest.fixture(autouse=True)
def silent_provider(provider: Provider) -> None:
    """What one test let it answer is not for the next."""
    provider.answers(refused(500, "The test did not say what to answer."))


@pytest.fixture(scope="session", params=MODES)
def start(request: pytest.FixtureRequest) -> Start:
    """Starts a gateway of the mode at hand."""
    return MODES[cast(str, request.param)]


@pytest.fixture(scope="session")
def gateway(start: Start, provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """With keys, and with the provider. Stays as it is: a test that stops or overloads a gateway starts one of its own."""
    config = tmp_path_factory.mktemp("gateway") / "dragoman.toml"
    config.write_text(QUICK_RETRIES)
    environ = {"DRAGOMAN_API_KEYS": f"tests={KEY}", "OPENAI_API_URL": provider.url, "OPENAI_API_KEY": PROVIDER_KEY}
    with start("--config", str(config), environ=environ) as running:
        yield running


@pytest.fixture(scope="session")
def client(gateway: Gateway) -> Iterator[OpenAI]:
    """OpenAI's SDK, which does not retry by itself: a failure is to be seen."""
    with OpenAI(base_url=gateway.url, api_key=KEY, max_retries=0) as sdk:
        yield sdk
