"""Responses that outlive a request, and the process that answered it."""

from __future__ import annotations

import signal
from pathlib import Path

import openai
import pytest
from openai import OpenAI

from tests.e2e.gateways import Gateway, Start, two_processes
from tests.gateway_cli.process import run, running


def speaking_to(gateway: Gateway) -> OpenAI:
    return OpenAI(base_url=gateway.url, api_key="any", max_retries=0)


def conversation(client: OpenAI, texts: list[str], *, streams: bool) -> str:
    """The id of the last response."""
    last: str | openai.Omit = openai.omit
    for text in texts:
        if streams:
            with client.responses.stream(model="demo/echo", input=text, previous_response_id=last) as stream:
                last = stream.get_final_response().id
        else:
            last = client.responses.create(model="demo/echo", input=text, previous_response_id=last).id
    assert isinstance(last, str)
    return last


@pytest.mark.parametrize("streams", [False, True])
def test_a_gateway_that_is_killed_keeps_what_it_has_told(start: Start, tmp_path: Path, streams: bool) -> None:
    environ = {"DRAGOMAN_STORAGE_PATH": str(tmp_path / "kept.db")}
    with start(environ=environ) as gateway, speaking_to(gateway) as client:
        response_id = conversation(client, ["One", "Two", "Three"], streams=streams)
        for program in gateway.programs:
            program.stop(signal.SIGKILL)
        gateway.statuses()
    with start(environ=environ) as gateway, speaking_to(gateway) as client:
        assert client.responses.retrieve(response_id).output_text == "Three"
        following = conversation(client, ["Four"], streams=streams)
        client.responses.create(model="demo/echo", input="Go on", previous_response_id=response_id)
        assert len(client.responses.input_items.list(response_id).data) == 5
        assert client.responses.retrieve(following).output_text == "Four"


def test_without_a_path_they_end_with_the_process(start: Start) -> None:
    with start() as gateway, speaking_to(gateway) as client:
        response_id = conversation(client, ["One"], streams=False)
    with start() as gateway, speaking_to(gateway) as client, pytest.raises(openai.NotFoundError):
        client.responses.retrieve(response_id)


def test_facades_of_one_core_share_them() -> None:
    with two_processes() as gateway, speaking_to(gateway) as client:
        response_id = conversation(client, ["One"], streams=True)
        arguments = ("facade", "--http", "127.0.0.1:0", "--core", f"dns:///{gateway.grpc}")
        with running(*arguments) as other, speaking_to(Gateway(other.http, gateway.grpc, (other,))) as elsewhere:
            assert elsewhere.responses.retrieve(response_id).output_text == "One"
            elsewhere.responses.delete(response_id)
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(response_id)


def test_workers_share_them() -> None:
    """Also where no path is set. A new connection for every request: the kernel gives it to any worker."""
    arguments = ("serve", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--workers", "3")
    with running(*arguments) as program:
        gateway = Gateway(program.http, program.grpc, (program,))
        last: str | openai.Omit = openai.omit
        for number in range(12):
            with speaking_to(gateway) as client:
                answer = client.responses.create(model="demo/echo", input=f"Number {number}", previous_response_id=last)
                last = answer.id
        with speaking_to(gateway) as client:
            assert len(list(client.responses.input_items.list(answer.id))) == 23


def test_a_file_that_cannot_be_used_is_told_of_at_once(tmp_path: Path) -> None:
    path = tmp_path / "kept.db"
    path.write_text("Dear diary, " * 100)
    for workers in ("1", "3"):
        ended = run("serve", "--http", "127.0.0.1:0", "--workers", workers, environ={"DRAGOMAN_STORAGE_PATH": str(path)})
        assert ended.returncode != 0
        assert ended.stderr.count(f"storage.path: {path} cannot be used") == 1
        assert "Traceback" not in ended.stderr
