"""Runs every SDK and writes docs/clients.md's table from what they did: python -m tests.sdks.write_table."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.sdks.document import table, write_table
from tests.sdks.session import MAKERS, Session, running_gateway


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, running_gateway(Path(folder)) as gateway:
        session = Session(gateway)
        try:
            write_table(table([result for name in MAKERS for result in session.results(name)]))
        finally:
            session.close()


if __name__ == "__main__":
    main()
