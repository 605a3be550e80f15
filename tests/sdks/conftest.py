"""One session of checks for all tests of SDKs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sdks.session import Session, running_gateway


@pytest.fixture(scope="session")
def checks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with running_gateway(tmp_path_factory.mktemp("sdks")) as gateway:
        session = Session(gateway)
        yield session
        session.close()
