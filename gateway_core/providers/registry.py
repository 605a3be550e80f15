"""The dialects we speak to providers: one line each."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gateway_core.providers.dialect import Dialect
from gateway_core.providers.openai.dialect import OPENAI

DIALECTS: Mapping[str, Dialect] = MappingProxyType({dialect.name: dialect for dialect in (OPENAI,)})
