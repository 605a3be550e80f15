"""Log-probabilities: Cohere gives one item for each piece of text, with the numbers of all tokens that made it.

Source: https://docs.cohere.com/reference/chat. An item's tokens have no texts of their own, so that its probability is
their product: the sum of the logarithms.
"""

from __future__ import annotations

from typing import Any

from dragoman.v1.chat_pb2 import Logprobs, TokenLogprob
from gateway_dialects.kit.json import text_of

LEAST = -9999.0


def decode_logprobs(items: list[Any]) -> Logprobs:
    """Items without numbers say nothing."""
    return Logprobs(content=[decode_item(item) for item in items if isinstance(item, dict) and numbers_of(item)])


def decode_item(item: dict[str, Any]) -> TokenLogprob:
    return TokenLogprob(token=text_of(item.get("text")), logprob=max(LEAST, sum(numbers_of(item))))


def numbers_of(item: dict[str, Any]) -> list[float]:
    numbers = item.get("logprobs")
    return [float(number) for number in numbers if type(number) in (int, float)] if isinstance(numbers, list) else []
