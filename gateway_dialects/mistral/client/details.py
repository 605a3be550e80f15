"""The JSON that travels beside the contract's typed fields, for this dialect.

Mistral refuses every field that it does not know (422). What a client of Mistral's own form wrote goes there as it is; of
what a client of OpenAI's form added, only what Mistral knows.
"""

from __future__ import annotations

from gateway_dialects.kit.json import Detailed, Json, decode_object
from gateway_dialects.mistral.client.remarks import Remarks
from gateway_dialects.openai.words import DIALECT as OPENAI

DIALECT = "mistral"
OF_OTHERS = frozenset(
    {"annotations", "extra_content", "opaque", "provider_specific_fields", "reasoning_details", "thinking_blocks"}
)
"""What clients are shown of other providers' answers and give back for them: seals and marks that Mistral may not see."""


def details_of(holder: Detailed, known: frozenset[str], field: str, remarks: Remarks) -> Json:
    """The details for this dialect, notes included; a warning for each one that Mistral would refuse."""
    found = holder.provider_details_json
    if own := found.get(DIALECT):
        return {name: value for name, value in decode_object(own).items() if name not in OF_OTHERS}
    theirs = decode_object(found[OPENAI]) if OPENAI in found else {}
    for name in theirs.keys() - known:
        if not name.startswith("$"):
            del theirs[name]
            remarks.leave_out(f"{field}.{name}")
    return theirs
