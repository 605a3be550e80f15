import io
import json
import logging
from collections.abc import Iterator

import pytest

from gateway_cli.logs import set_up
from gateway_core.settings import LogSettings


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root, dragoman = logging.getLogger(), logging.getLogger("dragoman")
    handlers, level, dragoman_level = root.handlers[:], root.level, dragoman.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    dragoman.setLevel(dragoman_level)


def test_an_access_line_as_text() -> None:
    stream = io.StringIO()
    access = set_up(LogSettings(), stream)("http")
    assert access

    access.write({"method": "POST", "status": 200, "ms": 1.5, "caller": None, "path": "/a b\n", "model": ""})

    time, rest = stream.getvalue().split(" ", 1)
    assert time.endswith("Z")
    assert rest == 'http method=POST status=200 ms=1.5 path="/a b\\n" model=""\n'


def test_an_access_line_as_json() -> None:
    stream = io.StringIO()
    access = set_up(LogSettings(format="json"), stream)("grpc")
    assert access

    access.write({"method": "Chat", "ms": 1.5, "caller": None})

    line = json.loads(stream.getvalue())
    assert line.pop("time").endswith("Z")
    assert line == {"log": "grpc", "method": "Chat", "ms": 1.5}
    assert stream.getvalue().count("\n") == 1


def test_no_access_log() -> None:
    assert set_up(LogSettings(access=False), io.StringIO())("http") is None


@pytest.mark.parametrize("form", ["text", "json"])
def test_everything_else_has_the_same_form(form: str) -> None:
    stream = io.StringIO()
    set_up(LogSettings(format=form), stream)

    logging.getLogger("dragoman.http").info("starts")
    logging.getLogger("somebody.else").info("chatter")
    try:
        raise ValueError("what went wrong")
    except ValueError:
        logging.getLogger("dragoman.http").exception("request %s failed", "r1")

    written = stream.getvalue()
    assert "chatter" not in written
    assert "ValueError: what went wrong" in written
    if form == "json":
        starts, failed = (json.loads(line) for line in written.splitlines())
        assert (starts["log"], starts["level"], starts["message"]) == ("dragoman.http", "info", "starts")
        assert failed["message"] == "request r1 failed"
    else:
        assert ' dragoman.http level=error message="request r1 failed"\nTraceback' in written
