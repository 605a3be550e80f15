"""The software bill of materials: CycloneDX 1.6 (https://cyclonedx.org/docs/1.6/json/) of what requirements.txt pins. The
same pins give the same document."""

from __future__ import annotations

import json
import re
import sys
import tomllib
import uuid
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[^\s;\\]+)(?P<rest>.*(?:\n    .*)*)", re.MULTILINE)
Json = dict[str, Any]


class Pin(NamedTuple):
    name: str
    version: str
    hashes: list[str]
    """SHA-256 of every file that may be installed."""
    wanted_by: list[str]

    @property
    def purl(self) -> str:
        return f"pkg:pypi/{self.name}@{self.version}"


def pins(text: str) -> Iterator[Pin]:
    """Of a file that pip-compile wrote."""
    for found in PIN.finditer(text):
        hashes = re.findall(r"--hash=sha256:(\w{64})", found["rest"])
        via = re.findall(r"# +(?:via )?([\w.-]+)(?: \(\S+\))?$", found["rest"], re.MULTILINE)
        yield Pin(found["name"], found["version"], hashes, [name for name in via if name != "via"])


def component(pin: Pin) -> Json:
    files = f"https://pypi.org/project/{pin.name}/{pin.version}/#files"
    hashes = [{"alg": "SHA-256", "content": digest} for digest in pin.hashes]
    known: Json = {"type": "library", "bom-ref": pin.purl, "name": pin.name, "version": pin.version, "purl": pin.purl}
    known["externalReferences"] = [{"type": "distribution", "url": files, "hashes": hashes}]
    return known | licenses(pin.name)


def licenses(name: str) -> Json:
    """The SPDX expression, where the installed package gives one."""
    try:
        found = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return {}
    return {"licenses": [{"expression": found["License-Expression"]}]} if "License-Expression" in found else {}


def bill(requirements: str, project: Json) -> Json:
    """requirements: the text of the pins. project: the table of pyproject.toml."""
    found = list(pins(requirements))
    name, version = project["name"], project["version"]
    root: Json = {"type": "application", "bom-ref": f"pkg:pypi/{name}@{version}", "name": name, "version": version}
    root |= {"purl": root["bom-ref"], "licenses": [{"expression": project["license"]}]}
    refs = {name: root["bom-ref"], **{pin.name: pin.purl for pin in found}}
    needs = {ref: sorted(pin.purl for pin in found if owner in pin.wanted_by) for owner, ref in refs.items()}
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": root},
        "components": [component(pin) for pin in found],
        "dependencies": [{"ref": ref, "dependsOn": wanted} for ref, wanted in needs.items()],
    }
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(document, sort_keys=True))
    return {**document, "serialNumber": f"urn:uuid:{serial}"}


def main() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    json.dump(bill((ROOT / "requirements.txt").read_text(), project), sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
