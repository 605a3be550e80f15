"""docs/models.md: what each family of models takes. `python -m tests.properties.models_table` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gateway_core.models.families import FAMILIES
from gateway_core.models.vendor_rules import APIS, RULES
from gateway_dialects.kit.capabilities import Capabilities

DOCUMENT = Path(__file__).parents[2] / "docs" / "models.md"
HEAD = """# What models take

A request is fitted to the model that is to answer it, whichever API the client speaks: a setting that the model is
known to refuse is brought to the nearest that it takes, or left out, with a warning; in strict mode the request is
refused instead. Values that ask for nothing (temperature 1, a penalty of 0) go without a warning. A model that is not
in these tables gets what the client said.

- **Reasoning**: an effort becomes the nearest that the model takes; a model that does not reason is not asked to.
- **Bounds**: a bound of tokens above the model's most output comes down to it, one below the API's least comes up;
  numbers are brought into their range; of too many stop texts the first are sent. A client that names its provider's
  own model in its provider's own language keeps its bound of tokens, and gets the provider's answer to it.
- **The answer's form**: where a model takes no JSON Schema it is asked for JSON, and the schema is said in the
  instructions; where it has no JSON mode either, in words alone.
- **Schemas**: those of tools and answers are fitted to the vendor ("schemas of its own"): see
  [providers](providers.md#json-schemas).
- **Tools**: without tools nothing is said about them; what a model does not take of them (strict, parallel, forced)
  is left out.

The first family that matches a name counts. Names are compared in lower case and without what hosts write around
them: `openai/`, `models/`, `us.anthropic.`, `ft:`, `:free`, `@20250805`. `[models."provider/model"]` in the
[configuration file](settings.md) says what a model takes where these tables do not know it or are wrong; `like =
"gpt-5-mini"` is for deployments with names of their own. This page is written by `python -m
tests.properties.models_table`; the sources stand in `gateway_core/models/families` and `vendor_rules.py`. Limits of
single models (`limits.json`) come from models.dev by `scripts/limits`.
"""


def document() -> str:
    """The file as it should be."""
    return "\n".join((HEAD, *families(), "", *vendors(), ""))


def families() -> Iterator[str]:
    yield "## Families"
    yield ""
    yield "| family | names | reasoning | refuses | stop texts | most output | JSON by | other |"
    yield "|---|---|---|---|---|---|---|---|"
    for family in FAMILIES:
        takes = family.takes
        cells = (
            family.name,
            f"`{escaped(family.pattern)}`",
            reasoning_of(takes),
            refused_by(takes),
            str(takes.most_stops or ""),
            f"{takes.most_output:,}" if takes.most_output else "",
            takes.structured,
            others_of(takes),
        )
        yield f"| {' | '.join(cells)} |"


def vendors() -> Iterator[str]:
    """What vendors and APIs narrow."""
    yield "## Vendors and APIs"
    yield ""
    yield "| where | names begin | reasoning | refuses | stop texts | JSON by | other |"
    yield "|---|---|---|---|---|---|---|"
    for vendor, rules in RULES.items():
        for rule in rules:
            where = f"{vendor} ({', '.join(rule.dialects)})" if rule.dialects else vendor
            yield row_of(where, f"`{escaped(rule.pattern)}`" if rule.pattern else "all", rule.takes)
    for dialect, takes in APIS.items():
        yield row_of(f"the API of the dialect {dialect}", "all", takes)


def row_of(where: str, names: str, takes: Capabilities) -> str:
    cells = (
        where,
        names,
        reasoning_of(takes),
        refused_by(takes),
        str(takes.most_stops or ""),
        takes.structured,
        others_of(takes),
    )
    return f"| {' | '.join(cells)} |"


def escaped(pattern: str) -> str:
    return pattern.replace("|", "\\|")


def reasoning_of(takes: Capabilities) -> str:
    if takes.reasoning is False:
        return "no"
    found = []
    if takes.efforts:
        found.append(", ".join(takes.efforts))
    elif takes.efforts is not None:
        found.append("no effort")
    if takes.budget:
        found.append(f"{takes.budget[0]:,} to {takes.budget[1]:,} tokens")
    if takes.adaptive:
        found.append("adaptive")
    if takes.always_reasons:
        found.append("always")
    return "; ".join(found) or ("yes" if takes.reasoning else "")


def refused_by(takes: Capabilities) -> str:
    found = [", ".join(f"`{name}`" for name in sorted(takes.refused))] if takes.refused else []
    if takes.refused_reasoning:
        found.append("while it reasons " + ", ".join(f"`{name}`" for name in sorted(takes.refused_reasoning)))
    return "; ".join(found)


def others_of(takes: Capabilities) -> str:
    found = [f"{name} {least:g} to {most:g}" for name, least, most in takes.ranges]
    found += [f"at least {takes.least_output} tokens"] if takes.least_output else []
    found += ["temperature or top_p"] if takes.one_sampling else []
    found += ["no top_p beside temperature 0"] if takes.greedy_alone else []
    found += ["no tools"] if takes.tools is False else []
    found += ["one tool call at a time cannot be asked for"] if takes.parallel_tools is False else []
    found += ["no strict tools"] if takes.strict_tools is False else []
    found += ["schemas of its own"] if takes.schemas is not None else []
    found += ["no forced tools"] if not takes.forced_tools else []
    found += ["no forced tools while it reasons"] if not takes.forced_reasoning else []
    found += ["no tools where none may be called"] if not takes.denied_tools else []
    found += [f"only at the API of the dialect {takes.only_api}"] if takes.only_api else []
    found += [f"tools while it reasons only at the API of the dialect {takes.tools_api}"] if takes.tools_api else []
    found += ["no JSON beside tools"] if takes.json_with_tools is False else []
    found += ["JSON mode needs the word"] if takes.json_word else []
    found += ["takes no reasoning back"] if not takes.replays_reasoning else []
    return "; ".join(found)


if __name__ == "__main__":
    DOCUMENT.write_text(document())
