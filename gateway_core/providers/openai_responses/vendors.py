"""The vendors that speak the Responses API: as for chat completions, where the config gives them this dialect."""

from __future__ import annotations

import dataclasses

from gateway_core.providers.openai import vendors as openai
from gateway_core.providers.openai_responses.details import DIALECT
from gateway_core.providers.vendor import Vendor

SPEAKERS = frozenset({"openai"})
VENDORS: tuple[Vendor, ...] = tuple(
    dataclasses.replace(vendor, dialect=DIALECT) for vendor in openai.VENDORS if vendor.name in SPEAKERS
)
