"""The vocabulary of Mistral's chat completions API, of both directions, where it is not OpenAI's.

Source: https://docs.mistral.ai/api (chat completions), the models of the package mistralai 3.7, and recorded traffic.
"""

import hashlib
import re
from typing import Literal

from gateway_dialects.kit.fields import Fields, boolean, integer, number, small_integer, string
from gateway_dialects.kit.json import Form
from gateway_dialects.openai import words as openai

DIALECT = "mistral"

PLAIN_FIELDS: Fields = {
    **{name: (name, string) for name in ("model", "service_tier")},
    **{name: (name, number) for name in ("temperature", "top_p", "frequency_penalty", "presence_penalty")},
    **{name: (name, integer) for name in ("max_tokens", "top_k")},
    **{name: (name, boolean) for name in ("parallel_tool_calls", "logprobs")},
    "top_logprobs": ("top_logprobs", small_integer),
    "n": ("candidate_count", small_integer),
    "random_seed": ("seed", integer),
}
"""Request fields that are one value, with their names in the contract."""
OPTION_FIELDS = frozenset(
    {
        *("metadata", "prompt_cache_key", "guardrails", "safe_prompt", "prompt_mode", "random_seed", "prediction"),
        *("min_tokens", "repetition_penalty", "prompt_logprobs", "top_prompt_logprobs"),
    }
)
"""Request fields that the contract does not name. Mistral refuses any other (422)."""
ROLES = {name: openai.ROLES[name] for name in ("system", "user", "assistant", "tool")}
"""Those of OpenAI that Mistral knows."""
FINISH_REASONS = frozenset({"stop", "length", "model_length", "error", "tool_calls"})
SERVICE_TIERS = frozenset({"auto", "standard_only"})
NINE = re.compile(r"[A-Za-z0-9]{9}")
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class PartForm(Form, frozen=True):
    media: Literal["", "string", "uri"] = ""
    """How an image or audio chunk was written. string: a URL, or bare base64. uri: audio at a URL. Empty: an object."""


class ToolChoiceForm(Form, frozen=True):
    required: bool = False
    """Whether any was written as required."""


def nine_of(call_id: str) -> str:
    """A tool call id as Mistral takes it: exactly nine letters or digits. An id of another form becomes nine characters of
    its hash, the same in the call and its result, in this turn and in later ones: nothing is remembered. Mistral's own ids
    need no way back: they are taken everywhere."""
    if NINE.fullmatch(call_id):
        return call_id
    number = int.from_bytes(hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).digest()[:8], "big")
    characters = []
    for _ in range(9):
        number, position = divmod(number, len(ALPHABET))
        characters.append(ALPHABET[position])
    return "".join(characters)
