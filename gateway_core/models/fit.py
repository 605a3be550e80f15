"""Fitting a chat request to the capabilities of the model that is to answer, whatever the dialect.

A setting that the model is known to refuse becomes the nearest that it takes or is left out, with a warning; one that asks
for nothing is left out without.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.kit.capabilities import Capabilities
from gateway_dialects.kit.diagnostics import Diagnostics

NO_WARNINGS: Sequence[Warning] = ()
SCALE = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""All efforts, from the least. Any other is a provider's own and is sent as it is."""


NEUTRAL: Mapping[str, tuple[object, ...]] = {
    "temperature": (1.0,),
    "top_p": (1.0,),
    "frequency_penalty": (0.0,),
    "presence_penalty": (0.0,),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "service_tier": ("auto", "default"),
    "modalities": (["text"],),
    "parallel_tool_calls": (True,),
}
"""Values of fields that ask for nothing."""


def fit_to_model(request: ChatRequest, model: Capabilities, provider: str) -> tuple[ChatRequest, Sequence[Warning]]:
    """The request as the model takes it, and a warning for each setting that was changed or left out. The request itself
    is not changed; it is what is returned where nothing has to be."""
    given = {field.name for field, _ in request.ListFields()}
    if model.watched.isdisjoint(given):
        return request, NO_WARNINGS
    fitted = ChatRequest()
    fitted.CopyFrom(request)
    diagnostics = Diagnostics()
    for fit_fields in FITTERS:
        fit_fields(fitted, model, given, diagnostics)
    return fitted, diagnostics.from_provider(provider)


def clear(request: ChatRequest, name: str) -> None:
    request.ClearField(name)  # type: ignore[arg-type]


def fit_refused(request: ChatRequest, model: Capabilities, given: set[str], diagnostics: Diagnostics) -> None:
    for field, value in request.ListFields():
        if field.name in model.refused:
            if value not in NEUTRAL.get(field.name, ()):
                diagnostics.drop(field.name, "this model does not take it")
            clear(request, field.name)


def fit_ranges(request: ChatRequest, model: Capabilities, given: set[str], diagnostics: Diagnostics) -> None:
    for name, least, most in model.ranges:
        if name in given and not least <= (value := getattr(request, name)) <= most:
            sent = min(max(value, least), most)
            setattr(request, name, sent)
            diagnostics.warn(name, f"this model's {name} is {least:g} to {most:g}; {value:g} was sent as {sent:g}")


def fit_reasoning(request: ChatRequest, model: Capabilities, given: set[str], diagnostics: Diagnostics) -> None:
    wanted = request.reasoning
    is_off = wanted.effort == "none" or (wanted.HasField("enabled") and not wanted.enabled)
    if "reasoning" not in given:
        return
    if model.reasoning is False:
        request.ClearField("reasoning")
        if not is_off:
            diagnostics.drop("reasoning", "this model does not reason")
    elif model.efforts is not None and is_off:
        if model.off_by_effort and "none" not in model.efforts:
            wanted.ClearField("enabled")
            fit_effort(request, "none", model.efforts, diagnostics)
    elif model.efforts is not None and wanted.effort:
        fit_effort(request, wanted.effort, model.efforts, diagnostics)


def fit_effort(request: ChatRequest, effort: str, efforts: Sequence[str], diagnostics: Diagnostics) -> None:
    if effort in efforts or effort not in SCALE:
        return
    request.reasoning.effort = nearest = nearest_effort(effort, efforts) if efforts else ""
    if nearest:
        diagnostics.warn("reasoning.effort", f"reasoning.effort {effort} is not known to this model; {nearest} was sent")
    else:
        diagnostics.drop("reasoning.effort", "this model takes none")


def nearest_effort(effort: str, efforts: Sequence[str]) -> str:
    """Of two as near the one nearer to high. Whoever asks for some reasoning gets some."""
    place, high = SCALE.index(effort), SCALE.index("high")

    def distance(word: str) -> tuple[int, int]:
        return abs(SCALE.index(word) - place), abs(SCALE.index(word) - high)

    return min((word for word in efforts if word != "none"), key=distance)


FITTERS: Sequence[Callable[[ChatRequest, Capabilities, set[str], Diagnostics], None]] = (
    # In the order in which they are applied.
    fit_refused,
    fit_ranges,
    fit_reasoning,
)
