"""Fitting a chat request to the capabilities of the model that is to answer, whatever the dialect.

A setting that the model is known to refuse becomes the nearest that it takes or is left out, with a warning; one that asks
for nothing is left out without.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from dragoman.reasons import invalid
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.routing_pb2 import Warning
from gateway_core.models.fit_answer import fit_history, fit_response_format, fit_tools, free_choice
from gateway_core.models.fit_schemas import fit_tool_schemas, unfit_schemas
from gateway_dialects.kit.capabilities import Capabilities
from gateway_dialects.kit.diagnostics import Diagnostics
from gateway_dialects.kit.dialect import bound_of
from gateway_dialects.kit.schema_profile import NO_SCHEMAS

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
    "verbosity": ("medium",),
    "modalities": (["text"],),
    "parallel_tool_calls": (True,),
}
"""Values of fields that ask for nothing."""


def fit_to_model(
    request: ChatRequest, model: Capabilities, provider: str, *, api: str = "", keeps_bound: bool = False
) -> tuple[ChatRequest, Sequence[Warning]]:
    """The request as the model takes it, and a warning for each setting that was changed or left out. The request itself
    is not changed; it is what is returned where nothing has to be. Raises GatewayError INVALID_REQUEST for an effort
    that is none.

    api: the served API that the client speaks. keeps_bound: whether a bound of tokens above the model's own is sent as it
    is.
    """
    schemas = NO_SCHEMAS if model.schemas is None or api in model.schemas.own else model.schemas
    given = [(field.name, value) for field, value in request.ListFields() if field.name in model.watched]
    if all(model.is_within(name, value) for name, value in given) and not unfit_schemas(request, schemas):
        return request, NO_WARNINGS
    fitted = ChatRequest()
    fitted.CopyFrom(request)
    diagnostics = Diagnostics()
    for fit_fields in FITTERS:
        fit_fields(fitted, model, diagnostics)
    fit_tool_schemas(fitted, schemas, diagnostics)
    # Last but for the bound, since it may add a message.
    fit_response_format(fitted, model, diagnostics, schemas)
    fit_bound(fitted, model, diagnostics, keeps_most=keeps_bound)
    return fitted, diagnostics.from_provider(provider)


def clear(request: ChatRequest, name: str) -> None:
    request.ClearField(name)  # type: ignore[arg-type]


def fit_refused(request: ChatRequest, model: Capabilities, diagnostics: Diagnostics) -> None:
    while_reasoning = model.refused_reasoning if model.refused_reasoning and reasons(request, model) else frozenset()
    for field, value in request.ListFields():
        if field.name in model.refused or field.name in while_reasoning:
            if value not in NEUTRAL.get(field.name, ()):
                why = "this model does not take it" if field.name in model.refused else "not while this model reasons"
                diagnostics.drop(field.name, why)
            clear(request, field.name)


def reasons(request: ChatRequest, model: Capabilities) -> bool:
    """Whether the model will reason, whose reasoning can be switched."""
    wanted = request.reasoning
    if is_off(request):
        return model.always_reasons
    asked = wanted.effort or wanted.enabled or wanted.HasField("max_tokens")
    return bool(asked) or model.reasons_unasked or model.always_reasons


def is_off(request: ChatRequest) -> bool:
    """Whether the request says that the model is not to reason."""
    wanted = request.reasoning
    return wanted.effort == "none" or (wanted.HasField("enabled") and not wanted.enabled)


def api_for(request: ChatRequest, model: Capabilities) -> str:
    """The dialect of the API that the request needs, where its provider has several. Empty: any that it has."""
    return model.only_api or (model.tools_api if needs_tools_api(request, model) else "")


def needs_tools_api(request: ChatRequest, model: Capabilities) -> bool:
    return bool(model.tools_api and request.tools) and reasons(request, model)


def fit_api(request: ChatRequest, model: Capabilities, diagnostics: Diagnostics) -> None:
    """At an API that takes no functions while the model reasons: only where its provider has no other here."""
    if needs_tools_api(request, model):
        if request.reasoning.effort or request.reasoning.enabled or request.reasoning.HasField("max_tokens"):
            diagnostics.drop("reasoning", "this API takes no tools while the model reasons")
        request.reasoning.Clear()
        request.reasoning.effort = "none"


def fit_forced(request: ChatRequest, model: Capabilities, diagnostics: Diagnostics) -> None:
    if request.tools and not model.forced_reasoning and reasons(request, model):
        free_choice(request, "while this model reasons", diagnostics)


def fit_ranges(request: ChatRequest, model: Capabilities, diagnostics: Diagnostics) -> None:
    for name, least, most in model.ranges:
        if request.HasField(name) and not least <= (value := getattr(request, name)) <= most:  # type: ignore[arg-type]
            sent = min(max(value, least), most)
            setattr(request, name, sent)
            diagnostics.warn(name, f"this model's {name} is {least:g} to {most:g}; {value:g} was sent as {sent:g}")


def fit_greedy(request: ChatRequest, model: Capabilities, diagnostics: Diagnostics) -> None:
    if model.greedy_alone and request.HasField("top_p") and request.HasField("temperature") and request.temperature == 0:
        if request.top_p != 1:
            diagnostics.drop("top_p", "this model takes none beside the temperature 0")
        request.ClearField("top_p")


def fit_stop(request: ChatRequest, model: Capabilities, diagnostics: Diagnostics) -> None:
    if model.most_stops is not None and len(request.stop) > model.most_stops:
        diagnostics.warn("stop", f"this model takes {model.most_stops} stop texts; the others were left out")
        del request.stop[model.most_stops :]


def fit_bound(request: ChatRequest, model: Capabilities, diagnostics: Diagnostics, *, keeps_most: bool) -> None:
    """The bound of output tokens. keeps_most: see fit_to_model."""
    bound = bound_of(request)
    if bound is None:
        return
    if model.most_output is not None and bound > model.most_output and not keeps_most:
        sent, end = model.most_output, "most"
    elif model.least_output is not None and bound < model.least_output:
        sent, end = model.least_output, "least"
    else:
        return
    diagnostics.warn("max_tokens", f"{sent} output tokens are the {end} that this model takes; {bound} was sent as {sent}")
    for name in ("max_output_tokens", "max_tokens"):
        if request.HasField(name):
            setattr(request, name, sent)


def fit_reasoning(request: ChatRequest, model: Capabilities, diagnostics: Diagnostics) -> None:
    """Raises GatewayError INVALID_REQUEST for an effort that is none."""
    if not request.HasField("reasoning"):
        return
    check_effort(request.reasoning.effort, model)
    if model.reasoning is False:
        if not is_off(request):
            diagnostics.drop("reasoning", "this model does not reason")
        request.ClearField("reasoning")
    elif model.efforts == ():
        fit_switch(request, model, diagnostics)
    elif model.efforts is not None and is_off(request):
        if model.off_by_effort and "none" not in model.efforts:
            request.reasoning.ClearField("enabled")
            fit_effort(request, "none", model.efforts, diagnostics)
    elif model.efforts is not None and request.reasoning.effort:
        fit_effort(request, request.reasoning.effort, model.efforts, diagnostics)
    elif model.efforts is not None and request.reasoning.enabled and model.off_by_effort and "medium" not in model.efforts:
        # Which dialects without a switch make of it.
        request.reasoning.effort = nearest_effort("medium", model.efforts)


def check_effort(effort: str, model: Capabilities) -> None:
    """An effort that is no word of the scale may be a provider's own, unless it is known what the model takes."""
    if effort and effort not in SCALE and effort not in (model.efforts or ()) and (model.efforts or model.budget):
        words = ", ".join(model.efforts or SCALE)
        raise invalid("reasoning.effort", f"reasoning.effort {effort!r} is not known to this model; it takes {words}")


def fit_switch(request: ChatRequest, model: Capabilities, diagnostics: Diagnostics) -> None:
    """Of a model that takes no effort: its reasoning can be on or off at most."""
    wanted, off = request.reasoning, is_off(request)
    if wanted.effort and (model.always_reasons or not off):
        diagnostics.drop("reasoning.effort", "this model takes none")
    elif off and model.always_reasons:
        diagnostics.drop("reasoning", "this model always reasons")
    if wanted.effort or wanted.HasField("enabled"):
        wanted.effort = ""
        wanted.enabled = not off
    if model.always_reasons:
        wanted.ClearField("enabled")


def fit_effort(request: ChatRequest, effort: str, efforts: Sequence[str], diagnostics: Diagnostics) -> None:
    if effort not in efforts and effort in SCALE:
        request.reasoning.effort = nearest = nearest_effort(effort, efforts)
        diagnostics.warn("reasoning.effort", f"reasoning.effort {effort} is not known to this model; {nearest} was sent")


def nearest_effort(effort: str, efforts: Sequence[str]) -> str:
    """Of two as near the one nearer to high; a word of the provider's own where it has no other. Whoever asks for some
    reasoning gets some."""
    place, high = SCALE.index(effort), SCALE.index("high")

    def distance(word: str) -> tuple[int, int]:
        known = SCALE.index(word) if word in SCALE else len(SCALE) + high
        return abs(known - place), abs(known - high)

    return min((word for word in efforts if word != "none"), key=distance)


FITTERS: Sequence[Callable[[ChatRequest, Capabilities, Diagnostics], None]] = (
    # In the order in which they are applied.
    fit_api,
    fit_reasoning,
    fit_refused,
    fit_ranges,
    fit_greedy,
    fit_stop,
    fit_forced,
    fit_tools,
    fit_history,
)
