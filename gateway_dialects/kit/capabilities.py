"""Capabilities: what one model takes at its provider.

Dialects ask for them with Endpoint.capabilities_of; the table that knows them is the core's (gateway_core/models). No
dialect holds the name of a model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Literal

from gateway_dialects.kit.schema_profile import Schemas

Structured = Literal["", "schema", "only schema", "json", "words"]
"""How an answer's form can be asked for: by JSON Schema and JSON mode, by one of them alone, or in words alone. Empty: not
known."""
FIELDS = (
    *("temperature", "top_p", "top_k", "frequency_penalty", "presence_penalty", "seed", "stop", "logit_bias"),
    *("logprobs", "top_logprobs", "verbosity", "parallel_tool_calls", "user", "service_tier", "modalities"),
)
"""Fields of a ChatRequest that Capabilities.refused may name."""
BOUNDS = ("max_output_tokens", "max_tokens")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """One model's. Every default means that nothing is known of it, so that it gets what the client said."""

    # Reasoning.
    reasoning: bool | None = None
    """Whether it reasons, or can be asked to. None: not known."""
    efforts: tuple[str, ...] | None = None
    """The values of ReasoningSettings.effort that it takes, from the least; none among them where that switches
    reasoning off. Empty: it takes no effort. None: not known, or the dialect makes something else of an effort."""
    budget: tuple[int, int] | None = None
    """The fewest and the most tokens of a budget for reasoning. None: not known, or it takes none."""
    adaptive: bool = False
    """Whether it takes adaptive thinking: as much as it needs, with an effort as the measure."""
    always_reasons: bool = False
    """Whether its reasoning cannot be switched off."""
    off_by_effort: bool = True
    """Whether the effort none switches reasoning off, or asks for the least where it is not known. False: its dialect has
    another way."""
    off_between_tools: bool = False
    """Whether its reasoning can be switched off only between tool calls."""
    encrypted_reasoning: bool = False
    """Whether its reasoning can be asked for encrypted, for a client to carry."""
    signed_reasoning: bool = False
    """Whether it refuses reasoning in the conversation that it has not signed."""
    hides_reasoning: bool = False
    """Whether the text of its reasoning is left out unless a request asks for it."""

    # Settings.
    refused: frozenset[str] = frozenset()
    """Which of FIELDS it refuses."""
    refused_reasoning: frozenset[str] = frozenset()
    """Which of them it refuses beside while it reasons."""
    reasons_unasked: bool = False
    """Whether it reasons where a request does not say."""
    ranges: tuple[tuple[str, float, float], ...] = ()
    """Fields that are numbers, with the least and the most that it takes."""
    one_sampling: bool = False
    """Whether temperature and top_p exclude each other."""
    greedy_alone: bool = False
    """Whether temperature 0 excludes top_p."""
    most_stops: int | None = None
    """How many stop texts it takes."""

    # Tokens.
    context: int | None = None
    """Input and output together."""
    most_output: int | None = None
    least_output: int | None = None
    """The least bound of output tokens that it takes."""
    default_output: int | None = None
    """The bound to send where an API needs one and the client gives none: room for a long answer, and small beside the
    context, since some models refuse a request whose input and bound do not fit together."""
    newer_bound: bool = False
    """Whether it takes the bound as max_completion_tokens alone."""

    # The answer's form.
    structured: Structured = ""
    json_word: bool = False
    """Whether JSON mode is refused when no message says JSON."""
    json_with_tools: bool | None = None
    """Whether the answer's form can be set while there are functions to call. None: not known."""
    json_schema: bool = True
    """Whether schemas reach it as JSON Schema. False: in the smaller form of OpenAPI 3.0 that its dialect describes."""
    schemas: Schemas | None = None
    """Which schemas it takes. None: all, or those that its dialect makes of them."""

    # APIs, where its provider has several.
    only_api: str = ""
    """The dialect of the API that alone serves it. Empty: not known."""
    tools_api: str = ""
    """The dialect of the API that alone takes functions while it reasons. Empty: not known."""

    # Tools.
    tools: bool | None = None
    parallel_tools: bool | None = None
    """Whether parallel_tool_calls can be set."""
    strict_tools: bool | None = None
    """Whether arguments can be held to their schema."""
    forced_tools: bool = True
    """Whether a call can be required (TOOL_CHOICE_MODE_REQUIRED and _TOOL)."""
    forced_reasoning: bool = True
    """Whether one can be required while it reasons."""
    denied_tools: bool = True
    """Whether calls can be ruled out (TOOL_CHOICE_MODE_NONE). Where they cannot, no tools are sent."""
    signed_calls: bool = False
    """Whether it refuses a call of its own in the conversation that has lost its signature."""
    media_in_results: bool = False
    """Whether a tool's result may hold media."""

    # Content.
    inputs: tuple[str, ...] = ()
    """Modalities: text, image, audio, video, file. Empty: not known."""
    outputs: tuple[str, ...] = ()
    media_resolution: bool = False
    """Whether a picture can say how closely it is looked at."""
    system_messages: bool = True
    """Whether it takes instructions apart from the user's messages."""
    reads_urls: bool = True
    """Whether its provider fetches https URLs for it."""
    replays_reasoning: bool = True
    """Whether it takes reasoning back in the conversation."""

    watched: frozenset[str] = field(init=False, repr=False, compare=False)
    """The fields of a ChatRequest that may have to change for this model; a request with none of them passes as it is."""

    limits: Mapping[str, tuple[float, float]] = field(init=False, repr=False, compare=False)
    """The least and the most of each number that nothing else in a request forbids."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "watched", frozenset(watched_fields(self)))
        object.__setattr__(self, "limits", limits_of(self))

    def is_within(self, name: str, value: object) -> bool:
        """Whether a field of a ChatRequest is a number that the model takes whatever else is asked for."""
        limits = self.limits.get(name)
        return limits is not None and limits[0] <= value <= limits[1]  # type: ignore[operator]

    def takes(self, name: str) -> bool:
        """name: one of FIELDS."""
        return name not in self.refused


def limits_of(model: Capabilities) -> dict[str, tuple[float, float]]:
    bound = model.least_output or 0, inf if model.most_output is None else model.most_output
    limits = {name: (least, most) for name, least, most in model.ranges} | dict.fromkeys(BOUNDS, bound)
    return {name: found for name, found in limits.items() if name not in model.refused | model.refused_reasoning}


def watched_fields(model: Capabilities) -> list[str]:
    names = ["tool_choice", "parallel_tool_calls", *model.refused, *model.refused_reasoning]
    names += (name for name, _, _ in model.ranges)
    if model.most_stops is not None:
        names.append("stop")
    if model.greedy_alone:
        names.append("top_p")
    if model.most_output is not None or model.least_output is not None:
        names += BOUNDS
    if model.reasoning is False or model.efforts is not None or model.budget is not None:
        names.append("reasoning")
    if model.structured in ("only schema", "json", "words") or model.json_word or model.json_with_tools is False:
        names.append("response_format")
    if model.tools is False or model.strict_tools is False or model.tools_api:
        names.append("tools")
    if not model.replays_reasoning:
        names.append("messages")
    return names


UNKNOWN = Capabilities()


def unknown(model: str) -> Capabilities:
    """Of every model: nothing is known."""
    return UNKNOWN
