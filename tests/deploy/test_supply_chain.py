"""What is installed is what was pinned, and the bill of materials says so."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PINS = sorted(path.name for path in ROOT.glob("requirements*.txt"))
SOURCES = [*(path for path in ROOT.glob("scripts/*") if path.is_file()), ROOT / ".ci" / "run", ROOT / "Dockerfile"]
PINNED = re.compile(r"[a-z0-9][\w.-]*==\S+(?: ; [^\\]+)? \\(?:\n    --hash=sha256:[0-9a-f]{64}(?: \\)?)+\n(?:    #.*\n)*")


@pytest.mark.parametrize("name", PINS)
def test_every_pin_has_a_version_and_hashes(name: str) -> None:
    text = re.sub(r"^#.*\n|^\n", "", (ROOT / name).read_text(), flags=re.MULTILINE)
    assert PINNED.sub("", text) == ""
    assert len(PINNED.findall(text)) > 0


def pip_commands(source: Path) -> list[str]:
    text = source.read_text().replace("\\\n", " ")
    found = re.findall(r"pip\b[^|&;\n#]* (?:install|wheel) [^|&;\n#]*", text)
    return [command for command in found if not text[: text.index(command)].rpartition("\n")[2].lstrip().startswith("#")]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_nothing_is_installed_that_is_not_pinned(source: Path) -> None:
    """Neither a package, nor what builds this one, nor by a tool that looks for itself."""
    for command in pip_commands(source):
        is_ours = "--no-deps" in command and ("--no-build-isolation" in command or "--no-index" in command)
        assert is_ours or "--require-hashes -r requirements" in command or '--require-hashes -r "$requirements"' in command
    assert not re.search(r"\b(curl|wget|npx|pipx|uvx|apt-get|easy_install)\b", source.read_text())


def test_the_commands_are_found() -> None:
    counted = {source.name: len(pip_commands(source)) for source in SOURCES}
    assert {name: count for name, count in counted.items() if count} == {"Dockerfile": 4, "lock": 1, "venv": 3}


def test_images_are_named_by_their_content() -> None:
    images = re.findall(r"^FROM (\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    assert len(set(images)) == 1
    assert all(re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+@sha256:[0-9a-f]{64}", image) for image in images)


@pytest.fixture(scope="module")
def bill() -> Any:
    printed = subprocess.run([sys.executable, ROOT / "scripts" / "bill.py"], capture_output=True, text=True, check=True)
    return json.loads(printed.stdout)


def test_the_bill_holds_every_pin(bill: Any) -> None:
    lines = re.findall(r"^([\w.-]+)==([^\s;]+)", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert [(component["name"], component["version"]) for component in bill["components"]] == lines
    hashes = [found["content"] for one in bill["components"] for found in one["externalReferences"][0]["hashes"]]
    assert sorted(hashes) == sorted(re.findall(r"sha256:(\w+)", (ROOT / "requirements.txt").read_text()))


def test_the_bill_has_the_form_of_cyclonedx(bill: Any) -> None:
    """https://cyclonedx.org/docs/1.6/json/: what it requires, and that references lead somewhere."""
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert uuid.UUID(bill["serialNumber"]).urn == bill["serialNumber"]
    components = [bill["metadata"]["component"], *bill["components"]]
    references = [component["bom-ref"] for component in components]
    assert len(set(references)) == len(references)
    for component in components:
        assert component["type"] in ("application", "library")
        assert component["purl"] == f"pkg:pypi/{component['name']}@{component['version']}"
    assert [node["ref"] for node in bill["dependencies"]] == references
    wanted = {reference for node in bill["dependencies"] for reference in node["dependsOn"]}
    assert wanted == set(references[1:])
