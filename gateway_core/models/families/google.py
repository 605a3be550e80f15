"""Google's models.

Sources: https://ai.google.dev/gemini-api/docs/models, .../thinking (budgets, levels), .../thought-signatures,
.../structured-output, .../function-calling, .../media-resolution, .../file-input-methods; for penalties
https://github.com/vercel/ai/issues/8943 ("Penalty is not enabled for this model").
"""

from dataclasses import replace

from gateway_core.models.families.family import EVERYTHING, LOW_TO_HIGH, PENALTIES, TEXT, Family
from gateway_dialects.kit.capabilities import Capabilities

GEMINI = Capabilities(
    off_by_effort=False,
    refused=frozenset({"logit_bias"}),
    most_stops=5,
    json_with_tools=False,
    structured="schema",
    tools=True,
    inputs=EVERYTHING,
    outputs=TEXT,
)
WITHOUT_THINKING = replace(GEMINI, reasoning=False, json_schema=False, reads_urls=False, most_output=8192)
GEMMA = replace(WITHOUT_THINKING, system_messages=False, tools=False, structured="words", most_output=None, inputs=())
BUDGET = replace(GEMINI, reasoning=True, budget=(1, 24_576), refused=GEMINI.refused | PENALTIES, most_output=65_536)
BUDGET_PRO = replace(BUDGET, budget=(128, 32_768), always_reasons=True)
LEVEL = replace(
    BUDGET,
    budget=None,
    always_reasons=True,
    efforts=LOW_TO_HIGH,
    json_with_tools=True,
    signed_calls=True,
    media_in_results=True,
    media_resolution=True,
)
LEVEL_FLASH = replace(LEVEL, efforts=("minimal", *LOW_TO_HIGH))
LEVEL_FIRST_PRO = replace(LEVEL, efforts=("low", "high"))
LATER = r"gemini-([3-9]|\d\d)(\.\d+)?-"
VERSION_2_5 = r"gemini-(2\.[5-9])"
MUTE = r"(?=.*(image|tts|audio))"
"""Models of 2.5 that do not think have one of these in their names, and take no tools."""


def as_guess(takes: Capabilities) -> Capabilities:
    return replace(takes, tools=None, inputs=(), outputs=(), most_output=None)


FAMILIES: tuple[Family, ...] = (
    Family("Gemini 2.0 Flash", r"gemini-2\.0-flash(-lite)?(-001)?", WITHOUT_THINKING),
    Family(
        "Gemini 2.5, drawing and speaking",
        rf"{VERSION_2_5}{MUTE}.*",
        Capabilities(reasoning=False, json_with_tools=False),
        later=True,
    ),
    Family("Gemini 2.5 Pro", r"gemini-2\.5-pro", BUDGET_PRO),
    Family("Gemini 2.5 Pro variants", rf"{VERSION_2_5}-(pro.*|.*computer-use.*)", as_guess(BUDGET_PRO), later=True),
    Family("Gemini 2.5 Flash-Lite", r"gemini-2\.5-flash-lite", replace(BUDGET, budget=(512, 24_576))),
    Family(
        "Gemini 2.5 Flash-Lite variants",
        rf"{VERSION_2_5}-.*flash-lite.*",
        as_guess(replace(BUDGET, budget=(512, 24_576))),
        later=True,
    ),
    Family("Gemini 2.5 Flash", r"gemini-2\.5-flash", BUDGET),
    Family("Gemini 2.5 Flash variants", rf"{VERSION_2_5}(-.*)?", as_guess(BUDGET), later=True),
    Family("Gemini 3 Pro", r"gemini-3-pro(-preview)?", LEVEL_FIRST_PRO),
    Family("Gemini 3 Pro variants", r"gemini-3-pro.*", as_guess(LEVEL_FIRST_PRO), later=True),
    Family("Gemini 3 Flash", r"gemini-3(\.\d)?-flash(-lite)?(-preview)?", LEVEL_FLASH),
    Family("Gemini 3.1 Pro", r"gemini-3\.\d-pro(-preview)?", LEVEL),
    Family("later Gemini Flash", rf"{LATER}.*flash.*|gemini-(flash|flash-lite)-latest", as_guess(LEVEL_FLASH), later=True),
    Family("later Gemini", rf"{LATER}.*|gemini-([3-9]|\d\d)(\.\d+)?|gemini-pro-latest", as_guess(LEVEL), later=True),
    Family("Gemini 1 and 2", r"gemini-.*", as_guess(WITHOUT_THINKING), later=True),
    Family("Gemma 1 to 3", r"gemma-?[123].*", GEMMA, later=True),
    Family("later Gemma", r"gemma-.*", replace(as_guess(GEMMA), reasoning=None, structured=""), later=True),
)
