"""Installs of the programs: one folder each below .venv-agents, made once for each state of its pins."""

import hashlib
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from tests.agents.programs import Program

PROJECT = Path(__file__).resolve().parents[2]
ROOM = PROJECT / ".venv-agents"
INSTALL_S = 900.0
_one_at_a_time = threading.Lock()
"""Programs share installs."""


class Unavailable(Exception):
    """A program could not be installed; says why."""


def folder_of(program: Program) -> Path:
    state = hashlib.sha256("\n".join(program.packages).encode()).hexdigest()[:10]
    return ROOM / f"{re.split('[@=[]', program.packages[0].strip('@'))[0].replace('/', '-')}-{state}"


def bin_of(program: Program) -> Path:
    return folder_of(program) / ("node_modules/.bin" if program.is_node else "bin")


def install(program: Program) -> Path:
    """Where its commands are. Raises Unavailable."""
    folder = folder_of(program)
    with _one_at_a_time:
        if not (ready := folder / ".ready").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            for command in _npm(program, folder) if program.is_node else _pip(program, folder):
                _run(command, folder)
            ready.touch()
    return bin_of(program)


def _npm(program: Program, folder: Path) -> Sequence[Sequence[str]]:
    (folder / "package.json").write_text('{"private": true}\n')
    return [["npm", "install", "--no-audit", "--no-fund", "--no-progress", "--save-exact", *program.packages]]


def _pip(program: Program, folder: Path) -> Sequence[Sequence[str]]:
    pip = [sys.executable, "-m", "pip", "--python", str(folder), "install", "--quiet", "--disable-pip-version-check"]
    return [[sys.executable, "-m", "venv", "--without-pip", str(folder)], [*pip, *program.packages]]


def _run(command: Sequence[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_S, check=True)
    except (OSError, subprocess.TimeoutExpired) as failure:
        raise Unavailable(str(failure)) from None
    except subprocess.CalledProcessError as failure:
        words = (failure.stderr.strip() or failure.stdout.strip()).splitlines()[-3:]
        raise Unavailable(f"{command[0]}: {' '.join(words)}") from None
