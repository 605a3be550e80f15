"""The two tools that the frameworks' programs offer. Beside each program when it runs."""

import os
import pathlib

TASK = os.environ.get("AGENT_TASK", "")


def read_file(path: str) -> str:
    """Read a file.

    Args:
        path: Its whole path.
    """
    return pathlib.Path(path).read_text()


def edit_file(path: str, old: str, new: str) -> str:
    """Replace a text in a file.

    Args:
        path: Its whole path.
        old: The text that is replaced.
        new: The text in its place.
    """
    file = pathlib.Path(path)
    file.write_text(file.read_text().replace(old, new))
    return "replaced"
