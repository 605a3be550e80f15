"""The server with TLS, and with mutual TLS."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from dragoman.v1.gateway_pb2_grpc import GatewayServiceStub
from gateway_core.settings.settings import SettingsError, TlsSettings
from tests.gateway_cli.certificates import Authority
from tests.gateway_core.rpc.listening import listening
from tests.gateway_core.rpc.serving import failure_of, question, run


def tls_of(folder: Path, *, mutual: bool = False) -> tuple[Authority, TlsSettings]:
    authority = Authority(folder)
    certificate, key = authority.certify("server")
    return authority, TlsSettings(certificate, key, authority.file if mutual else None)


async def answer_over(address: str, credentials: grpc.ChannelCredentials) -> str:
    async with grpc.aio.secure_channel(address, credentials) as channel:
        response = await GatewayServiceStub(channel).Chat(question())
        text: str = response.candidates[0].parts[0].text
        return text


def test_tls(tmp_path: Path) -> None:
    authority, tls = tls_of(tmp_path)
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other")

    async def check() -> None:
        async with listening(tls=tls) as here:
            assert (
                await answer_over(here.address, grpc.ssl_channel_credentials(authority.file.read_bytes())) == "Hello there"
            )
            doubting = grpc.ssl_channel_credentials(stranger.file.read_bytes())
            error = await failure_of(answer_over(here.address, doubting))
            assert error.code() is grpc.StatusCode.UNAVAILABLE
            plain = await failure_of(here.stub.Chat(question()))
            assert plain.code() is grpc.StatusCode.UNAVAILABLE

    run(check)


def test_mutual_tls(tmp_path: Path) -> None:
    authority, tls = tls_of(tmp_path, mutual=True)
    (tmp_path / "other").mkdir()
    stranger = Authority(tmp_path / "other")

    def credentials(client: Authority | None) -> grpc.ChannelCredentials:
        root = authority.file.read_bytes()
        if client is None:
            return grpc.ssl_channel_credentials(root)
        certificate, key = client.certify("client")
        return grpc.ssl_channel_credentials(root, key.read_bytes(), certificate.read_bytes())

    async def check() -> None:
        async with listening(tls=tls) as here:
            assert await answer_over(here.address, credentials(authority)) == "Hello there"
            for client in (None, stranger):
                error = await failure_of(answer_over(here.address, credentials(client)))
                assert error.code() is grpc.StatusCode.UNAVAILABLE

    run(check)


@pytest.mark.parametrize("spoiled", ["server.pem", "server.key", "ca.pem"])
def test_certificates_that_are_none(spoiled: str, tmp_path: Path) -> None:
    _, tls = tls_of(tmp_path, mutual=True)
    (tmp_path / spoiled).write_text("no certificate")

    async def check() -> None:
        with pytest.raises(SettingsError, match=r"grpc_tls: .*server\.pem"):
            async with listening(tls=tls):
                pytest.fail("it listens")

    run(check)


def test_a_key_of_another_certificate(tmp_path: Path) -> None:
    authority, tls = tls_of(tmp_path)
    _, other_key = authority.certify("other")

    async def check() -> None:
        with pytest.raises(SettingsError, match="not a usable certificate"):
            async with listening(tls=TlsSettings(tls.certificate, other_key)):
                pytest.fail("it listens")

    run(check)
