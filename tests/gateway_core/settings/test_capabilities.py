"""What an operator says of models wins over the table, and what cannot be meant is an error naming file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway_core.routing.resolver import ModelResolver
from gateway_core.settings.file import SettingsError
from gateway_core.settings.settings import load
from gateway_dialects.kit.capabilities import Capabilities

OPENAI = {"OPENAI_API_KEY": "k"}


def takes(tmp_path: Path, lines: str, model: str) -> Capabilities:
    path = tmp_path / "gateway.toml"
    path.write_text(lines)
    target = ModelResolver(load(path, OPENAI)).resolve(model).targets[0]
    return target.endpoint.capabilities_of(target.model)


def test_what_the_operator_says_counts(tmp_path: Path) -> None:
    found = takes(
        tmp_path,
        """
        [models."openai/gpt-5-mini"]
        efforts = ["low"]
        refused = []
        most_output = 1000
        temperature = [0, 0.5]
        structured = "json"
        """,
        "openai/gpt-5-mini",
    )
    assert (found.efforts, found.refused, found.most_output, found.structured) == (("low",), frozenset(), 1000, "json")
    assert found.ranges == (("temperature", 0.0, 0.5),)
    assert found.reasoning is True
    assert "max_tokens" in found.watched


def test_it_counts_at_each_api_of_the_provider(tmp_path: Path) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text('[models."openai/gpt-4o"]\nmost_stops = 2\n')
    target = ModelResolver(load(path, OPENAI)).resolve("openai/gpt-4o").targets[0]
    assert target.speaking("openai-responses").endpoint.capabilities_of("gpt-4o").most_stops == 2


def test_other_models_and_providers_keep_theirs(tmp_path: Path) -> None:
    lines = '[models."openai/gpt-5-mini"]\nreasoning = false\n'
    assert takes(tmp_path, lines, "openai/gpt-5").reasoning is True


def test_a_deployment_is_like_a_model(tmp_path: Path) -> None:
    found = takes(tmp_path, '[models."openai/ours"]\nlike = "gpt-5-mini"\nmost_output = 7\n', "openai/ours")
    assert "temperature" in found.refused
    assert (found.reasoning, found.most_output) == (True, 7)


def test_routes_and_aliases_stay_beside(tmp_path: Path) -> None:
    lines = (
        '[models.fast]\ntargets = ["openai/gpt-4o"]\n[models."openai/gpt-4o"]\nmost_stops = 1\n[models.f]\nalias = "fast"\n'
    )
    assert takes(tmp_path, lines, "f").most_stops == 1


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ('[models."openai/m"]\nreasoning = false\nmost_outputs = 5', "most_outputs"),
        ('[models."openai/m"]\nreasoning = "no"', "true or false"),
        ('[models."openai/m"]\nmost_output = 0', "1 or more"),
        ('[models."openai/m"]\nrefused = ["temprature"]', "temperature"),
        ('[models."openai/m"]\nstructured = "yaml"', "schema, json, words"),
        ('[models."openai/m"]\ntemperature = [1, 0]', "least and the most"),
        ('[models."openai/m"]\ntemperature = 1', "list of 2 numbers"),
        ('[models."openia/m"]\nreasoning = false', "openai"),
        ("[models.m]\nreasoning = false", "provider/model"),
        ("[models.m]\n", "targets"),
    ],
)
def test_what_cannot_be_meant(tmp_path: Path, lines: str, problem: str) -> None:
    path = tmp_path / "gateway.toml"
    path.write_text(lines)
    with pytest.raises(SettingsError) as caught:
        load(path, OPENAI)
    assert problem in str(caught.value)
    assert "gateway.toml" in str(caught.value)
    assert "line" in str(caught.value) or ":1" in str(caught.value) or ":2" in str(caught.value) or ":3" in str(caught.value)
