"""Family: models whose names tell that they take the same, and how a name is read."""

import re
from dataclasses import dataclass

from gateway_dialects.kit.capabilities import Capabilities

TEXT = ("text",)
PICTURES = ("text", "image")
DOCUMENTS = ("text", "image", "file")
EVERYTHING = ("text", "image", "audio", "video", "file")

SAMPLING = frozenset({"temperature", "top_p"})
PENALTIES = frozenset({"frequency_penalty", "presence_penalty"})
LOGPROBS = frozenset({"logprobs", "top_logprobs"})
LOW_TO_HIGH = ("low", "medium", "high")


@dataclass(frozen=True, slots=True)
class Family:
    """One row of the table."""

    name: str
    """For people."""
    pattern: str
    """A regex that the whole of a plain name matches; see plain_name."""
    takes: Capabilities
    later: bool = False
    """Whether the row is a guess at models that have not been seen: what they take, and nothing that lists tell."""


OWNERS = re.compile(
    r"(?:[a-z]{2,6}\.)?(?:ai21|amazon|anthropic|cohere|deepseek|google|meta|mistral|moonshot|openai|qwen|zai)\.(?=\w)"
)
"""Of Amazon Bedrock's names: us.anthropic.claude-sonnet-4-5-20250929-v1:0."""
VARIANTS = re.compile(r":(?:free|nitro|floor|online|thinking|extended|exacto|beta|latest|\d+)$|-v\d+:\d+$|\[\w+\]$")
"""What hosts write behind a name: OpenRouter's variants, Bedrock's revisions, Claude Code's [1m]."""


def plain_name(model: str) -> str:
    """A model's name in lower case, without what hosts write around it: models/, openai/, us.anthropic., ft:, :free, @."""
    name = model.lower().rpartition("/")[2]
    if name.startswith("ft:"):
        name = name.split(":")[1]
    name = OWNERS.sub("", name, count=1)
    while (shorter := VARIANTS.sub("", name)) != name:
        name = shorter
    return name.replace("@", "-")
