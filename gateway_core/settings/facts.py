"""Facts of targets that only the operator knows: where a provider computes, and what it does with what it is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway_core.settings.file import Table

QUANTIZATIONS = (*("int4", "int8", "fp4", "mxfp4", "nvfp4", "fp6", "fp8", "mxfp8", "fp16", "bf16", "fp32"), "unknown")


@dataclass(frozen=True, slots=True)
class Facts:
    """Nothing is taken for granted: a provider that is not configured as keeping nothing may keep what it is sent."""

    region: str = ""
    """Where it computes. Empty: not known."""
    quantization: str = "unknown"
    data_collection: bool = True
    """Whether it may keep what it is sent, or train on it."""
    zdr: bool = False
    """Whether it retains nothing at all."""
    distillable: bool = False
    """Whether the model's text may be used to train others."""


UNKNOWN_FACTS = Facts()


def read_facts(table: Table) -> Mapping[str, Any]:
    """The facts that a table of a provider or of a target has. Raises SettingsError."""
    found: dict[str, Any] = {}
    if "region" in table:
        found["region"] = table.text("region")
    if "quantization" in table:
        found["quantization"] = table.choice("quantization", "", QUANTIZATIONS)
    if "data_collection" in table:
        found["data_collection"] = table.choice("data_collection", "", ("allow", "deny")) == "allow"
    if "zdr" in table:
        found["zdr"] = table.flag("zdr", False)
    if "distillable" in table:
        found["distillable"] = table.flag("distillable", False)
    return found
