"""The table of model families: what each takes, whoever serves it. Facts from the providers' public documentation.

What has no row is not known, and gets what the client said. Where two rows match, the first counts.
"""

import re
from collections.abc import Sequence
from functools import cache, lru_cache

from gateway_core.models.families import anthropic, google, openai, others
from gateway_core.models.families.family import Family, plain_name
from gateway_dialects.kit.capabilities import UNKNOWN as NOTHING_KNOWN

FAMILIES: tuple[Family, ...] = (*openai.FAMILIES, *anthropic.FAMILIES, *google.FAMILIES, *others.FAMILIES)
UNKNOWN = Family("unknown", "", NOTHING_KNOWN, later=True)
CACHE_SIZE = 4096
"""Names; clients choose them, so there must be a bound."""


@cache
def compiled() -> Sequence[tuple[re.Pattern[str], Family]]:
    return [(re.compile(family.pattern), family) for family in FAMILIES]


@lru_cache(CACHE_SIZE)
def family_of(model: str) -> Family:
    """model: in its provider's own name."""
    name = plain_name(model)
    return next((family for pattern, family in compiled() if pattern.fullmatch(name)), UNKNOWN)
