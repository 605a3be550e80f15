"""The commands that ask a gateway: chat, models, check."""

from pathlib import Path

import pytest

from tests.gateway_cli.process import run, running
from tests.upstream import Received, Reply, json_reply, running_upstream


def model_list(request: Received) -> Reply:
    if request.headers.get("authorization") != "Bearer sk-right":
        return json_reply({"error": {"message": f"bad key {request.headers.get('authorization')}"}}, 401)
    return json_reply({"object": "list", "data": [{"id": "b"}, {"id": "a", "context_length": 8192}]})


def test_chat_streams_the_answer() -> None:
    ended = run("chat", "Hello,", "Dragoman!")

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "Hello, Dragoman!\n", "")


def test_chat_reads_standard_input() -> None:
    assert run("chat", text="What I typed").stdout == "What I typed\n"


def test_chat_asks_the_configured_model(tmp_path: Path) -> None:
    config = tmp_path / "dragoman.toml"
    config.write_text('[chat]\nmodel = "mine"\n[models.mine]\nalias = "demo/error-401"\n')

    assert run("chat", "Hi", "--config", str(config)).returncode == 1
    assert run("chat", "Hi", "--config", str(config), "--model", "demo/echo").stdout == "Hi\n"


def test_chat_says_what_failed() -> None:
    ended = run("chat", "Hi", "--model", "opnai/gpt-5")

    assert ended.returncode == 1
    assert ended.stdout == ""
    assert ended.stderr.startswith("dragoman: there is no model 'opnai/gpt-5'")
    assert "Traceback" not in ended.stderr


def test_an_operators_own_terminal_needs_no_gateway_key() -> None:
    assert run("chat", "Hi", environ={"DRAGOMAN_API_KEYS": "secret-key"}).stdout == "Hi\n"


def test_chat_and_models_with_a_core_elsewhere() -> None:
    with running("core", "--grpc", "127.0.0.1:0", environ={"DRAGOMAN_API_KEYS": "right-key"}) as core:
        where = ("--core", core.grpc)
        by_variable = run("chat", "Hi", *where, "--key", "env:MY_KEY", environ={"MY_KEY": "right-key"})
        assert (by_variable.stdout, by_variable.stderr) == ("Hi\n", "")
        assert "demo/echo " in run("models", *where, "--key", "right-key").stdout
        for command in (("chat", "Hi"), ("models",)):
            refused = run(*command, *where, "--key", "wrong")
            assert refused.returncode == 1
            assert refused.stderr.startswith("dragoman: the key that was sent is not one of this gateway's")
        unset = run("models", *where, "--key", "env:NOT_SET")
        assert unset.returncode == 2
        assert unset.stderr == "dragoman: --key reads the environment variable NOT_SET, which is not set.\n"


@pytest.mark.parametrize("command", [("chat", "Hi"), ("models",)])
def test_a_core_that_is_not_there(command: tuple[str, ...]) -> None:
    ended = run(*command, "--core", "127.0.0.1:9")

    assert ended.returncode == 1
    assert ended.stderr.startswith("dragoman: ")
    assert "Traceback" not in ended.stderr


def test_models_as_a_table(tmp_path: Path) -> None:
    config = tmp_path / "dragoman.toml"
    config.write_text('[models.fast]\ntargets = ["openai/a", "demo/echo"]\n')
    with running_upstream(model_list) as upstream:
        environ = {"OPENAI_API_URL": upstream.url, "OPENAI_API_KEY": "sk-right"}
        everything = run("models", "--config", str(config), environ=environ).stdout.splitlines()
        one_provider = run("models", "--provider", "openai", environ=environ).stdout.splitlines()

    assert everything[0].split() == ["MODEL", "CONTEXT", "SERVED", "BY"]
    assert [line.split() for line in everything if line.startswith("fast")] == [["fast", "openai/a", ">", "demo/echo"]]
    assert [line.split() for line in one_provider[1:]] == [["openai/a", "8192", "openai"], ["openai/b", "openai"]]


def test_models_tells_which_provider_is_missing() -> None:
    with running_upstream(model_list) as upstream:
        environ = {"OPENAI_API_URL": upstream.url, "OPENAI_API_KEY": "sk-wrong"}
        ended = run("models", environ=environ)

    assert ended.returncode == 0
    assert "demo/echo " in ended.stdout
    assert ended.stderr.startswith("dragoman: openai: ")
    assert "sk-wrong" not in ended.stderr


def test_check_asks_every_provider() -> None:
    with running_upstream(model_list) as upstream:
        good = {"OPENAI_API_URL": upstream.url, "OPENAI_API_KEY": "sk-right"}
        bad = {"MISTRAL_API_URL": upstream.url, "MISTRAL_API_KEY": "sk-wrong"}
        unreachable = {"GROQ_API_URL": "http://127.0.0.1:9", "GROQ_API_KEY": "sk-right"}
        all_good = run("check", environ=good)
        some_bad = run("check", environ=good | bad | unreachable)

    assert all_good.returncode == 0
    assert all_good.stdout.startswith("configuration: ok (2 providers, ")
    rows = {line.split()[0]: line.split() for line in some_bad.stdout.splitlines()[3:]}
    assert some_bad.returncode == 1
    assert rows["openai"][1:3] == ["ok", "2"]
    assert rows["demo"][1] == "ok"
    assert [rows[name][-1] for name in ("openai", "demo")] == ["openai", "openai"]
    assert rows["mistral"][1] == rows["groq"][1] == "failed"
    assert "bad key" in some_bad.stdout
    assert "sk-wrong" not in some_bad.stdout
