"""Prices as an operator writes them, and complaints that name the line and the key."""

from __future__ import annotations

from pathlib import Path

import pytest

from dragoman.v1.models_pb2 import Prices
from gateway_core.settings.file import SettingsError
from gateway_core.settings.settings import load

CORP = '[providers.corp]\ndialect = "openai"\nurl = "http://10.0.0.5/v1"\n'


def prices(tmp_path: Path, text: str, *, core: bool = True) -> dict[str, Prices]:
    path = tmp_path / "dragoman.toml"
    path.write_text(CORP + text)
    return dict(load(path, {}, core=core).prices)


def test_everything_that_can_be_said(tmp_path: Path) -> None:
    text = """
[prices."corp/llama-3"]
input = 0.1
output = 1
cache_read = 0
cache_write = 0.2
cache_write_1h = 0.3
input_audio = 4
output_audio = 5
input_image = 6
output_image = 7
reasoning = 8
request = 0.005
web_search = 0.01
[prices."openai/*"]
input = 0
output = 0
"""
    found = prices(tmp_path, text)
    assert found == {
        "corp/llama-3": Prices(
            input=0.1,
            output=1,
            cache_read=0,
            cache_write=0.2,
            cache_write_1h=0.3,
            input_audio=4,
            output_audio=5,
            input_image=6,
            output_image=7,
            reasoning=8,
            request=0.005,
            web_search=0.01,
        ),
        "openai/*": Prices(input=0, output=0),
    }


def test_models_whose_names_hold_slashes_and_dots(tmp_path: Path) -> None:
    text = '[prices."corp/meta-llama/Llama-3.1"]\ninput = 1\noutput = 2\n'
    assert list(prices(tmp_path, text)) == ["corp/meta-llama/Llama-3.1"]


def test_none(tmp_path: Path) -> None:
    assert prices(tmp_path, "") == {}
    assert load(None, {}).prices == {}


M = 'prices."corp/m"'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"[{M}]\ninput = -0.1\noutput = 1", f"line 5: {M}.input must be US dollars, 0 to 1000000, not the number -0.1."),
        (f"[{M}]\ninput = 1\noutput = nan", f"line 6: {M}.output must be US dollars, 0 to 1000000, not the number nan."),
        (f"[{M}]\ninput = inf\noutput = 1", f"line 5: {M}.input must be US dollars, 0 to 1000000, not the number inf."),
        (
            f"[{M}]\ninput = 2e6\noutput = 1",
            f"line 5: {M}.input must be US dollars, 0 to 1000000, not the number 2000000.0.",
        ),
        (f'[{M}]\ninput = "1"\noutput = 1', f"line 5: {M}.input must be US dollars, 0 to 1000000, not text."),
        (f"[{M}]\ninput = true\noutput = 1", f"line 5: {M}.input must be US dollars, 0 to 1000000, not true or false."),
        (f"[{M}]\ninput = 1", f"line 4: {M} needs input and output: US dollars for a million tokens."),
        (f"[{M}]\noutput = 1", f"line 4: {M} needs input and output: US dollars for a million tokens."),
        (
            f"[{M}]\ninput = 1\noutput = 1\ncache_reads = 1",
            f"line 7: {M}.cache_reads is not a setting that Dragoman knows. Did you mean cache_read?",
        ),
        (
            "[prices.corp]\ninput = 1\noutput = 1",
            'line 4: prices.corp must be called provider/model, or provider/*: [prices."openai/gpt-4o"].',
        ),
        (
            '[prices."corp/"]\ninput = 1\noutput = 1',
            'line 4: prices."corp/" must be called provider/model, or provider/*: [prices."openai/gpt-4o"].',
        ),
        (
            '[prices."crop/m"]\ninput = 1\noutput = 1',
            'line 4: prices."crop/m": there is no provider crop. Did you mean corp?',
        ),
        ("[prices]\ninput = 1", "line 5: prices.input must be a table: [prices.input]."),
        ("prices = 1", "line 4: providers.corp.prices is not a setting that Dragoman knows."),
    ],
)
def test_every_complaint_names_the_line_and_the_key(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        prices(tmp_path, text)
    assert message in str(caught.value)


def test_a_facade_of_its_own_does_not_read_them(tmp_path: Path) -> None:
    assert prices(tmp_path, f"[{M}]\ninput = -1\n", core=False) == {}
