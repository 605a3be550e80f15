"""What vendors narrow: a model that a vendor serves may take less than its family does elsewhere, or something else."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway_dialects.kit.capabilities import Capabilities


@dataclass(frozen=True, slots=True)
class VendorRule:
    """One row. Of several that match, the later one counts."""

    takes: Capabilities
    """What is not at its default holds; what is refused is added."""
    pattern: str = ""
    """How the models' plain names begin (see plain_name): a regex. Empty: all of them."""
    dialects: tuple[str, ...] = ()
    """At which of its APIs. Empty: at all."""


RULES: Mapping[str, tuple[VendorRule, ...]] = {
    "openrouter": (
        # https://openrouter.ai/docs/guides/best-practices/reasoning-tokens: it takes every effort and finds the nearest.
        VendorRule(Capabilities(efforts=("none", "minimal", "low", "medium", "high", "xhigh", "max"))),
    )
}
