import re
from pathlib import Path

import pytest

from gateway_cli.main import main
from gateway_core.accounts.keys import KeyRing
from gateway_core.settings.settings import load


def test_what_is_printed_can_be_used_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["keys", "create", "team-a"]) == 0

    said = capsys.readouterr().out
    key = said.splitlines()[0]
    lines = re.search(r"^\[\[keys\]\]\n.*\n.*$", said, re.MULTILINE)
    variable = re.search(r"DRAGOMAN_API_KEYS=(\S+)", said)
    assert lines
    assert variable
    config = tmp_path / "dragoman.toml"
    config.write_text(lines[0])
    for settings in (load(config, {}), load(None, {"DRAGOMAN_API_KEYS": variable[1]})):
        assert KeyRing(settings.keys).authenticate([key]).name == "team-a"
    assert said.count(key) == 1
