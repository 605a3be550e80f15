"""The programs of other gateways' documentation run against this one, unchanged but for URLs, keys and models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import pytest

from tests.sdks.environments import Unavailable, make_python
from tests.sdks.results import Outcome, run_programs
from tests.sdks.seed_gateway import SeedGateway, running_seed_gateway
from tests.sdks.seeds import programs, read, sections, seeds_absent

pytestmark = pytest.mark.skipif(bool(seeds_absent()), reason=seeds_absent())

WSO2 = "wso2-invoke-via-sdks.txt"
CONTEXTS = {
    "OpenAI": "for-openai",
    "Anthropic": "for-anthropic",
    "Gemini": "for-google",
    "Mistral AI": "for-mistral",
    "Azure OpenAI": "for-azure",
    "Azure AI Foundry": "for-azure",
}
INFERENCE_NET = "inference-net-langchain.txt"
TASK = (
    "\nprint(model.invoke('Whose key is it?').text)\nprint(invoke_with_task(model, 'Which task?', 'task-of-a-seed').text)\n"
)


@dataclass(frozen=True)
class Seed:
    """A program, where it is run, and what it must print."""

    name: str
    environment: str
    text: str
    printed: Sequence[str]
    key: str
    """What the provider is shown."""


def environment_of(text: str) -> str:
    """The newest in which it can run."""
    if "from mistralai import Mistral" in text:
        return "older"
    return "partnered" if "langchain_google_genai" in text else "current"


def wso2() -> Iterator[Seed]:
    for heading, text in sections(WSO2, list(CONTEXTS)).items():
        context = CONTEXTS[heading]
        found = programs(text)
        for number, (first, second) in enumerate(zip(found[::2], found[1::2], strict=True)):
            whole = f"{first}\nprint()\n{second}".replace("<context>", context)
            printed = ("What is WSO2?", "Count from 1 to 5.")
            yield Seed(f"wso2 {heading} {number}", environment_of(whole), whole, printed, f"operators-{context[4:]}")


def inference_net() -> Iterator[Seed]:
    found = programs(read(INFERENCE_NET))
    (asking,) = (text for text in found if text.startswith("def "))
    for number, text in enumerate(text for text in found if "model = " in text):
        own = "anthropic" if "anthropic" in text else "gemini" if "gemini" in text else "openai"
        printed = ("Whose key is it?", "Which task?")
        yield Seed(f"inference.net {number}", "current", f"{text}\n{asking}\n{TASK}", printed, f"sk-own-{own}")


SEEDS = [] if seeds_absent() else [*wso2(), *inference_net()]
IDS = [seed.name for seed in SEEDS]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, tuple[Outcome, set[str]]]]:
    """By name: what a program did, and the keys that providers were shown."""
    with running_seed_gateway(tmp_path_factory.mktemp("seeds")) as gateway:
        yield dict(pair for name in sorted({seed.environment for seed in SEEDS}) for pair in run_all(name, gateway))


def run_all(environment: str, gateway: SeedGateway) -> Iterator[tuple[str, tuple[Outcome, set[str]]]]:
    """Those of a key at a time."""
    here = [seed for seed in SEEDS if seed.environment == environment]
    for key in sorted({seed.key for seed in here}):
        together = [seed for seed in here if seed.key == key]
        try:
            made = make_python(environment)
        except Unavailable as reason:
            pytest.skip(str(reason))
        found = run_programs(made, [gateway.adapted(seed.text) for seed in together], gateway.environ)
        keys = gateway.keys_sent()
        yield from ((seed.name, (outcome, keys)) for seed, outcome in zip(together, found, strict=True))


@pytest.mark.parametrize("seed", SEEDS, ids=IDS)
def test_a_seed(seed: Seed, outcomes: Mapping[str, tuple[Outcome, set[str]]]) -> None:
    outcome, keys = outcomes[seed.name]

    assert not outcome.failure
    for words in seed.printed:
        assert words in outcome.printed
    assert keys == {seed.key}
