"""Keys of the gateway, and the providers' keys, which nobody but the providers ever sees."""

import re
from pathlib import Path

import openai
import pytest
from openai import OpenAI

from tests.e2e.conversations import completion, refused, said, word
from tests.e2e.gateways import KEY, PROVIDER_KEY, Provider, Start
from tests.gateway_cli.process import WAIT_S, run, running
from tests.upstream import CUT, Reply, event_stream

HEADER_SECRET = "secret-of-a-header"


def created(name: str) -> tuple[str, str, str]:
    """(key, lines for the config, words for the environment) as `dragoman keys create` prints them."""
    printed = run("keys", "create", name).stdout
    lines = re.search(r"^\[\[keys\]\]\n.*\n.*$", printed, re.MULTILINE)
    variable = re.search(r"DRAGOMAN_API_KEYS=(\S+)", printed)
    assert lines
    assert variable
    return printed.splitlines()[0], lines[0], variable[1]


def is_let_in(url: str, key: str) -> bool:
    with OpenAI(base_url=url, api_key=key, max_retries=0, timeout=WAIT_S) as client:
        try:
            client.chat.completions.create(model="demo/echo", messages=said("Hi"))
        except openai.AuthenticationError:
            return False
        return True


def test_hashed_keys_of_the_file_and_keys_of_the_environment_add_up(start: Start, tmp_path: Path) -> None:
    in_file, lines, _ = created("team-a")
    in_environment, _, variable = created("team-b")
    config = tmp_path / "dragoman.toml"
    config.write_text(lines)
    with start("--config", str(config), environ={"DRAGOMAN_API_KEYS": f"{variable},plain=plain-key"}) as gateway:
        hashes = re.findall(r"sha256:\w+", lines + variable)
        assert len(hashes) == 2
        assert [is_let_in(gateway.url, key) for key in (in_file, in_environment, "plain-key")] == [True] * 3
        refused_keys = [*hashes, *(value.removeprefix("sha256:") for value in hashes), "plain", "team-a", in_file[:-1]]
        assert not any(is_let_in(gateway.url, key) for key in refused_keys)
        gateway.stop()
        gateway.statuses()
        log = gateway.log()

    assert "caller=team-a" in log or len(gateway.programs) == 1
    assert not any(key in log for key in (in_file, in_environment, "plain-key"))


@pytest.mark.parametrize(
    "arguments", [("serve", "--http", "0.0.0.0:0", "--grpc", "127.0.0.1:0"), ("core", "--grpc", "0.0.0.0:0")]
)
def test_the_advice_for_other_machines_is_good(arguments: tuple[str, ...]) -> None:
    ended = run(*arguments)
    assert ended.returncode == 2
    assert "open to other machines" in ended.stderr
    assert "`dragoman keys create NAME`" in ended.stderr
    assert "DRAGOMAN_API_KEYS" in ended.stderr

    _, _, variable = created("ann")
    with running(*arguments, environ={"DRAGOMAN_API_KEYS": variable}) as program:
        assert "a gateway key is required" in program.greeting


def test_provider_keys_are_in_no_log(start: Start, provider: Provider, tmp_path: Path) -> None:
    """Whatever the provider does with them: repeat them, break off, or answer nonsense."""
    config = tmp_path / "dragoman.toml"
    config.write_text(
        f"""
        [retries]
        initial = 0.01
        jitter = 0
        [log]
        format = "json"
        [providers.openai]
        key = "env:SOME_KEY"
        headers = {{ X-Token = "{HEADER_SECRET}" }}
        """
    )
    environ = {"DRAGOMAN_API_KEYS": KEY, "SOME_KEY": PROVIDER_KEY, "OPENAI_API_URL": provider.url}
    echo = f"You sent {PROVIDER_KEY} and {HEADER_SECRET}."
    with (
        start("--config", str(config), environ=environ) as gateway,
        OpenAI(base_url=gateway.url, api_key=KEY, max_retries=0, timeout=WAIT_S) as client,
    ):
        answers = []
        for reply in (
            refused(401, echo),
            refused(400, echo, param=PROVIDER_KEY, code=HEADER_SECRET),
            refused(500, echo),
            Reply(500, {"content-type": "text/html"}, echo.encode()),
            Reply(200, {"content-type": "application/json"}, echo.encode()),
            Reply(before_head=[echo.encode() + b"\r\n\r\n", CUT]),
            event_stream(word("first"), {"error": {"message": echo}}),
            event_stream({"error": {"message": echo}}),
            event_stream(b"data: " + echo.encode() + b"\n\n"),
        ):
            provider.answers(reply)
            for streams in (False, True):
                with pytest.raises(openai.APIError) as caught:
                    list(client.chat.completions.create(model="openai/m", messages=said("Hi"), stream=streams))
                answers.append(f"{caught.value} {caught.value.body} {caught.value.param} {caught.value.code}")
            answers.append(client.models.with_raw_response.list().text)
        provider.answers(completion("Hi"))
        client.chat.completions.create(model="openai/m", messages=said("Hi"))
        assert provider.requests[0].headers["authorization"] == f"Bearer {PROVIDER_KEY}"
        assert provider.requests[0].headers["x-token"] == HEADER_SECRET
        gateway.stop()
        gateway.statuses()
        log = gateway.log()

    told = "\n".join(answers)
    assert '"status":502' in log
    assert "***" in told
    for secret in (PROVIDER_KEY, HEADER_SECRET, KEY):
        assert secret not in log
    for secret in (PROVIDER_KEY, HEADER_SECRET):
        assert secret not in told
