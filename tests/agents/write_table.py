"""Runs the programs and writes docs/agents.md from what they did: python -m tests.agents.write_table [NAME ...]."""

import argparse
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.agents.document import INSTALL, set_ups, table, write, written
from tests.agents.installs import Unavailable, install
from tests.agents.programs import PROGRAMS, Program
from tests.agents.runs import MODELS, NATIVE, Outcome, World, run, running_world


def wanted(program: Program) -> list[tuple[str, str]]:
    """(target, task). The gateway itself refuses keys and models, so one target is enough; demo calls no tools of use."""
    once = {"key", "model"}
    return [
        (target, task)
        for task in program.tasks
        for target in ([NATIVE[program.api]] if task in once else MODELS)
        if (target, task) != ("demo", "tools")
    ]


def tried(world: World, program: Program, room: Path, pairs: list[tuple[str, str]]) -> list[Outcome]:
    try:
        install(program)
    except Unavailable as reason:
        print(f"{program.name}: not run: {reason}", flush=True)
        return [Outcome(program.name, "", INSTALL, str(reason))]
    outcomes = []
    for target, task in pairs:
        outcome = run(world, program, target, task, room)
        print(f"{program.name:25} {target:10} {task:9} {outcome.seconds:5.1f} s  {outcome.failure or 'ok'}", flush=True)
        outcomes.append(outcome)
    return outcomes


def keep(world: World, room: Path) -> None:
    """What the gateway said and what its providers were sent, for who looks for the cause of a failure."""
    (room / "gateway.log").write_text(world.log)
    (room / "faults").write_text("\n".join(f"{mark}: {fault}" for mark, fault in world.faults.items()))
    for mark, bodies in world.received.items():
        for number, body in enumerate(bodies):
            (room / f"sent-{mark}-{number}.json").write_bytes(body)


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/agents", description="Runs programs as clients; writes docs/agents.md.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="of a program, as in the table; all where none is given")
    parser.add_argument("--keep", metavar="FOLDER", type=Path, help="where homes, logs and requests stay")
    parser.add_argument("--tasks", type=lambda text: text.split(","), help="these alone; nothing is written then")
    parser.add_argument("--targets", type=lambda text: text.split(","), help="these alone; nothing is written then")
    chosen = parser.parse_args()
    programs = [program for program in PROGRAMS if not chosen.names or program.name in chosen.names]
    if unknown := set(chosen.names) - {program.name for program in programs}:
        parser.error(f"there is no {', '.join(sorted(unknown))} among {', '.join(each.name for each in PROGRAMS)}")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        room = chosen.keep or Path(folder)
        room.mkdir(parents=True, exist_ok=True)

        def tasks_of(program: Program) -> list[tuple[str, str]]:
            return [
                (target, task)
                for target, task in wanted(program)
                if target in (chosen.targets or MODELS) and task in (chosen.tasks or program.tasks)
            ]

        with running_world(room) as world, ThreadPoolExecutor(2) as pool:
            found = list(pool.map(lambda program: tried(world, program, room, tasks_of(program)), programs))
        keep(world, room)
    if not chosen.tasks and not chosen.targets:
        write("table", table([outcome for outcomes in found for outcome in outcomes], written("table")))
        write("set-ups", set_ups())


if __name__ == "__main__":
    main()
