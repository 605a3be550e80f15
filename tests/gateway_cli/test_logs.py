import io
import json
import logging
from collections.abc import Iterator

import pytest

from gateway_cli.logs import set_up
from gateway_core.settings.settings import LogSettings


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root, dragoman = logging.getLogger(), logging.getLogger("dragoman")
    handlers, level, dragoman_level = root.handlers[:], root.level, dragoman.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    dragoman.setLevel(dragoman_level)


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_access_log_has_the_configured_form(form: str) -> None:
    stream = io.StringIO()
    access = set_up(LogSettings(form), stream)
    assert access

    access.write({"method": "Chat", "caller": None})
    access.close()

    line = stream.getvalue()
    assert json.loads(line)["method"] == "Chat" if form == "json" else line.endswith("Z method=Chat\n")


def test_no_access_log() -> None:
    assert set_up(LogSettings(access=False), io.StringIO()) is None


@pytest.mark.parametrize("form", ["text", "json"])
def test_everything_else_has_the_same_form(form: str) -> None:
    stream = io.StringIO()
    log = set_up(LogSettings(format=form), stream)
    assert log

    logging.getLogger("dragoman.http").info("starts")
    logging.getLogger("somebody.else").info("chatter")
    try:
        raise ValueError("what went wrong")
    except ValueError:
        logging.getLogger("dragoman.http").exception("request %s failed", "r1")
    log.close()

    written = stream.getvalue()
    assert "chatter" not in written
    assert "ValueError: what went wrong" in written
    if form == "json":
        starts, failed = (json.loads(line) for line in written.splitlines())
        assert (starts["log"], starts["level"], starts["message"]) == ("dragoman.http", "info", "starts")
        assert failed["message"] == "request r1 failed"
    else:
        assert ' log=dragoman.http level=error message="request r1 failed"\nTraceback' in written
