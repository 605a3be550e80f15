"""The programs of other gateways' documentation run against this one, unchanged but for URLs, keys and models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.sdks.environments import Unavailable, make_python
from tests.sdks.results import Outcome, run_programs
from tests.sdks.seed_gateway import SeedGateway, running_seed_gateway
from tests.sdks.seeds import programs, read, sections, seeds_absent, without_output

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
OPENROUTER = "openrouter-langchain.txt"
INFERY = "infery-openai-superset.txt"
GOES_ON = {6: [5], 9: [7], 11: [10]}
"""The programs of OpenRouter's document that need more than a model, and what they need."""
ASKS = "print(model.invoke('Hello, Dragoman!').text)"
SOUND = Path(__file__).parent / "python" / "__init__.py"
"""Stands for a recording: nobody listens."""
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
    """What a provider is shown; empty: whatever the operator has for it."""


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


def openrouter() -> Iterator[Seed]:
    """As in a notebook, each goes on where others ended. The first two only ask for a key."""
    found = [without_output(text) for text in programs(read(OPENROUTER))]
    for number, text in enumerate(found[2:], start=2):
        before = [found[1], *(found[each] for each in GOES_ON.get(number, ()))]
        whole = "\n".join([*before, text, ASKS]).replace("/path/to/audio.wav", str(SOUND))
        environment = "older" if "route=" in text else "current"
        yield Seed(f"openrouter {number}", environment, whole, ("Hello, Dragoman!",), "")


def infery() -> Iterator[Seed]:
    (text,) = programs(read(INFERY))
    asks = "client.chat.completions.create(model='gpt-4o', messages=[{'role': 'user', 'content': 'Hello, Dragoman!'}])"
    whole = f"import os\n{text}\nprint({asks}.choices[0].message.content)"
    yield Seed("infery", "current", whole, ("Hello, Dragoman!",), "operators-openai")


SEEDS = [] if seeds_absent() else [*wso2(), *inference_net(), *openrouter(), *infery()]
IDS = [seed.name for seed in SEEDS]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeedGateway]:
    with running_seed_gateway(tmp_path_factory.mktemp("seeds")) as running:
        yield running


@pytest.fixture(scope="module")
def outcomes(gateway: SeedGateway) -> Mapping[str, tuple[Outcome, set[str]]]:
    """By name: what a program did, and all keys that providers were shown by it and those that ran with it."""
    return dict(pair for name in sorted({seed.environment for seed in SEEDS}) for pair in run_all(name, gateway))


def run_all(environment: str, gateway: SeedGateway) -> Iterator[tuple[str, tuple[Outcome, set[str]]]]:
    together = [seed for seed in SEEDS if seed.environment == environment]
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
    assert seed.key in keys or not seed.key
    assert all(key.startswith(("operators-", "sk-own-")) for key in keys), keys


def test_tasks_are_recorded(gateway: SeedGateway, outcomes: Mapping[str, tuple[Outcome, set[str]]]) -> None:
    assert outcomes
    for task in ("task-of-a-seed", "research-agent"):
        gateway.program.errors.wait_for(f" task_id={task} ")
