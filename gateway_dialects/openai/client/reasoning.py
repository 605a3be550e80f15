"""How much a model should reason, in the words of OpenAI's chat completions API and of its compatible vendors."""

from __future__ import annotations

from dragoman.v1.chat_pb2 import ReasoningSettings
from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.kit.dialect import Quirks
from gateway_dialects.kit.json import Json
from gateway_dialects.openai.client.details import details_of
from gateway_dialects.openai.client.efforts import known_effort
from gateway_dialects.openai.client.thinking import thinking_switch


def encode_reasoning(body: Json, reasoning: ReasoningSettings, quirks: Quirks, warnings: list[Warning]) -> None:
    details = details_of(reasoning)
    form = details.pop("$form", "effort")
    if quirks.reasoning_object and form != "effort":
        body["reasoning"] = {**settings_of(reasoning), **details}
        if form == "both":
            body["reasoning_effort"] = reasoning.effort
        return
    settings = settings_of(reasoning)
    if quirks.shown_field and "exclude" in settings:
        body[quirks.shown_field] = not settings.pop("exclude")
    if quirks.thinking_object and (switch := thinking_switch(settings)):
        body["thinking"] = switch
        effort = None
    elif effort := settings.pop("effort", None) or implied_effort(settings.pop("enabled", None)):
        body["reasoning_effort"] = known_effort(effort, body["model"], quirks.efforts, warnings)
    if quirks.reasoning_object and settings:
        body["reasoning"] = {**settings, "effort": body.pop("reasoning_effort")} if effort else settings
        return
    warnings.extend(
        Warning(field=f"reasoning.{name}", message=f"this provider takes no reasoning {name}; it was left out")
        for name in (*settings, *details)
    )


def settings_of(reasoning: ReasoningSettings) -> Json:
    return {
        descriptor.name: value for descriptor, value in reasoning.ListFields() if descriptor.name != "provider_details_json"
    }


def implied_effort(enabled: bool | None) -> str | None:
    """The effort that a bare on or off stands for; https://openrouter.ai/docs names medium for on."""
    return None if enabled is None else "medium" if enabled else "none"
