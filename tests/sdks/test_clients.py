"""Real SDKs talk to the gateway over real sockets, each with the demo provider and with providers of three dialects."""

from __future__ import annotations

import pytest

from tests.sdks.clients import CLIENTS, TARGETS, Client
from tests.sdks.environments import Unavailable
from tests.sdks.session import Session

CASES = [(client, target, feature) for client in CLIENTS for target in TARGETS for feature in client.features]


@pytest.mark.parametrize(
    ("client", "target", "feature"), CASES, ids=[f"{client.name}-{target}-{feature}" for client, target, feature in CASES]
)
def test_an_sdk(checks: Session, client: Client, target: str, feature: str) -> None:
    try:
        results = checks.results(client.environment)
    except Unavailable as reason:
        pytest.skip(str(reason))

    (result,) = (each for each in results if (each.client, each.target, each.feature) == (client.name, target, feature))
    assert not result.failure, f"{client.package} {result.version}: {result.failure}"
    if feature == "header":
        checks.gateway.errors.wait_for(f" task_id={client.name}-{target} ")
