"""Servers that the tests of a module share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.http_facade.serving import Facade, Provided, serving, settings_with
from tests.upstream import json_reply, running_upstream


@pytest.fixture(scope="module")
def facade() -> Iterator[Facade]:
    """With its core in its own process."""
    with serving() as running:
        yield running
        running.assert_serves()


@pytest.fixture(scope="module", params=[False, True], ids=["joined", "split"])
def either(request: pytest.FixtureRequest) -> Iterator[Facade]:
    """With its core in its own process, and with a core elsewhere."""
    with serving(split=request.param) as running:
        yield running
        running.assert_serves()


@pytest.fixture(scope="module", params=[False, True], ids=["joined", "split"])
def provided(request: pytest.FixtureRequest) -> Iterator[Provided]:
    """A facade as either is, with a provider behind it that does what a test says."""
    with (
        running_upstream(lambda _: json_reply({})) as upstream,
        serving(settings_with(upstream.url), split=request.param) as running,
    ):
        yield Provided(running, upstream)
        running.assert_serves()
