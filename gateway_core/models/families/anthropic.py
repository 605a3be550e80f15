"""Anthropic's models.

Sources: https://platform.claude.com/docs (models overview, extended and adaptive thinking, effort, structured outputs, the
migration guides of each model) and recorded exchanges: error_400 (efforts of 4.6), thinking (adaptive on 4.6), json_schema
(4.5), stream_server_tool (Sonnet 5 thinks unasked); https://github.com/diegosouzapw/OmniRoute/pull/4389 and
https://github.com/langchain-ai/langchain-aws/pull/1141 (from 4.8 on a tool can be forced beside adaptive thinking).
"""

from dataclasses import replace

from gateway_core.models.families.family import DOCUMENTS, LOGPROBS, LOW_TO_HIGH, PENALTIES, PICTURES, SAMPLING, TEXT, Family
from gateway_dialects.kit.capabilities import Capabilities

LEAST_BUDGET = 1024
LEAST_ANSWER = 1024
"""Tokens of the most that a model produces which no thinking budget takes."""
LATER = r"([5-9]|\d\d)"
TAIL = r"([-.:v].*)?"
OLD_LINES = r"(haiku|sonnet|opus)"


def claude(most_output: int, default_output: int) -> Capabilities:
    """One that does not think."""
    return Capabilities(
        reasoning=False,
        signed_reasoning=True,
        off_by_effort=False,
        refused=PENALTIES | LOGPROBS | {"seed", "logit_bias"},
        ranges=(("temperature", 0.0, 1.0),),
        most_output=most_output,
        default_output=default_output,
        tools=True,
        strict_tools=False,
        inputs=DOCUMENTS,
        outputs=TEXT,
    )


def thinking(most_output: int, default_output: int) -> Capabilities:
    """One that thinks within a budget."""
    budget = (LEAST_BUDGET, most_output - LEAST_ANSWER)
    return replace(claude(most_output, default_output), reasoning=True, budget=budget)


THIRD = claude(4096, 4096)
BUDGET_45 = replace(thinking(64_000, 32_000), structured="schema", strict_tools=True, one_sampling=True)
EITHER = replace(
    thinking(128_000, 32_000),
    adaptive=True,
    efforts=(*LOW_TO_HIGH, "max"),
    structured="schema",
    strict_tools=True,
    one_sampling=True,
    forced_reasoning=False,
)
ADAPTIVE = replace(
    EITHER,
    budget=None,
    hides_reasoning=True,
    efforts=(*LOW_TO_HIGH, "xhigh", "max"),
    refused=EITHER.refused | SAMPLING | {"top_k"},
    forced_reasoning=True,
)
"""Only adaptive: a budget is refused, and so are temperature, top_p and top_k."""
LATE = replace(ADAPTIVE, forced_tools=False, always_reasons=True)
"""From 5.1 on, models but Haiku refuse forced tools, and none but Haiku takes thinking {type: disabled}."""
LATE_VERSION = r"(5[-.]([1-9]|\d\d)(?!\d)|([6-9]|[1-9]\d)(?!\d))"

FAMILIES: tuple[Family, ...] = (
    Family("Claude 3", rf"claude-3-{OLD_LINES}(-\d{{8}}|-latest)?.*", replace(THIRD, inputs=PICTURES)),
    Family("Claude 3.5", rf"claude-3[-.]5-{OLD_LINES}.*", claude(8192, 8192)),
    Family("Claude 3.7", r"claude-3[-.]7-sonnet.*", thinking(64_000, 32_000)),
    Family("Claude 4.1", r"claude-[a-z]+-4[-.]1(?!\d).*", replace(thinking(32_000, 32_000), one_sampling=True)),
    Family("Claude Opus 4.5", r"claude-opus-4[-.]5(?!\d).*", replace(BUDGET_45, efforts=LOW_TO_HIGH)),
    Family("Claude Haiku and Sonnet 4.5", r"claude-[a-z]+-4[-.]5(?!\d).*", BUDGET_45),
    Family("Claude 4.6", r"claude-[a-z]+-4[-.]6(?!\d).*", EITHER),
    Family("Claude 4.7", r"claude-[a-z]+-4[-.]7(?!\d).*", replace(ADAPTIVE, forced_reasoning=False)),
    Family("Claude 4.8", r"claude-[a-z]+-4[-.]([89]|[1-9]\d)(?!\d).*", ADAPTIVE),
    Family("Claude Sonnet 4", r"claude-sonnet-4([-.]0)?(?!\d)(?![-.]\d{1,2}(?!\d)).*", thinking(64_000, 32_000)),
    Family("Claude Opus 4", r"claude-[a-z]+-4(?!\d).*", thinking(32_000, 32_000)),
    Family("Claude Fable, Mythos", rf"claude-(fable|mythos)-{LATE_VERSION}.*", LATE),
    Family("Claude Fable 5, Mythos 5", r"claude-(fable|mythos)-5(?!\d).*", replace(ADAPTIVE, always_reasons=True)),
    Family("Claude Haiku 5", r"claude-haiku-([5-9]|[1-9]\d)(?!\d).*", ADAPTIVE),
    Family(
        "Claude Sonnet 5.1 and later",
        rf"claude-sonnet-{LATE_VERSION}.*",
        replace(LATE, always_reasons=False, off_between_tools=True),
    ),
    Family("Claude 5.1 and later", rf"claude-[a-z]+-{LATE_VERSION}.*", LATE),
    Family("Claude 5", r"claude-[a-z]+-5(?!\d).*", ADAPTIVE),
    Family(
        "Claude 2, Instant",
        r"claude-(instant|2).*",
        replace(THIRD, inputs=TEXT, tools=False, structured="words"),
        later=True,
    ),
    # A Claude of an unknown generation is taken for one of the newest, and asked for nothing that some of them refuse.
    Family("later Claude", r".*claude.*", LATE, later=True),
)
