import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gateway_cli.main import main
from tests.gateway_cli.process import run


def test_help_loads_nothing_heavy() -> None:
    heavy = ["grpc", "uvicorn", "aiohttp", "google.protobuf", "starlette", "msgspec", "tomllib"]
    code = f"import sys, gateway_cli.main as m; m.parser().format_help(); print([n for n in {heavy} if n in sys.modules])"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])

    assert caught.value.code == 0
    said = capsys.readouterr().out
    for command in ("serve", "core", "facade", "models", "chat", "check", "health", "keys", "version"):
        assert f"\n    {command}" in said


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert capsys.readouterr().out.count(".") == 2


@pytest.mark.parametrize("command", ["serve", "core", "models", "chat", "check"])
def test_a_broken_configuration_is_told_in_one_line(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "dragoman.toml"
    config.write_text("[server]\nhtpp = 1\n")
    arguments = [command, "hello"] if command == "chat" else [command]

    assert main([*arguments, "--config", str(config)]) == 2
    said = capsys.readouterr()
    assert said.err == (
        f"dragoman: {config}, line 2: server.htpp is not a setting that Dragoman knows. Did you mean http?\n"
    )
    assert said.out == ""


@pytest.mark.parametrize("arguments", [["serve", "--http", "0.0.0.0:0"], ["core", "--grpc", "0.0.0.0:0"]])
def test_other_machines_are_let_in_only_with_keys(arguments: list[str]) -> None:
    ended = run(*arguments)

    assert ended.returncode == 2
    assert ended.stderr.startswith(f"dragoman: {arguments[1]} 0.0.0.0:0 is open to other machines")
    assert "dragoman keys create NAME" in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("arguments", [["serve", "--grpc", "127.0.0.1:0", "--http"], ["core", "--grpc"]])
def test_a_taken_port_is_told(arguments: list[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        ended = run(*arguments, address)

    assert ended.returncode == 2
    assert ended.stderr.startswith(f"dragoman: {arguments[-1]} {address}: ")
    assert "another program" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_reader_that_has_seen_enough_is_no_error() -> None:
    code = "import sys; from gateway_cli.main import main; sys.exit(main(['keys', 'create', 'a' * 200000]))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
