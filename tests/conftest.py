"""What holds for all tests."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from tests.recordings import ROOT

# The same examples everywhere, and no failure because a machine is slow.
settings.register_profile(
    "dragoman", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
settings.load_profile("dragoman")

SHARED = ("tests/sdks", "tests/e2e")
"""Folders whose tests share servers or installations for the whole run."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where several workers share the tests (scripts/test), those of a file stay together, as they share its fixtures."""
    for item in items:
        file = item.path.relative_to(ROOT.parent).as_posix()
        group = next((folder for folder in SHARED if file.startswith(f"{folder}/")), file)
        item.add_marker(pytest.mark.xdist_group(group))
