import ssl
from pathlib import Path

import httpx
import pytest

from tests.gateway_cli.certificates import Authority
from tests.gateway_cli.process import run, running

HERE = ("--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0")
FILES = 'certificate = "server.pem"\nprivate_key = "server.key"\n'


def test_tls_on_both_doors(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.certify("server")
    config = tmp_path / "dragoman.toml"
    config.write_text(f"[server.http_tls]\n{FILES}[server.grpc_tls]\n{FILES}")
    with running("serve", *HERE, "--config", str(config)) as program:
        assert program.http.startswith("https://")
        trusting = ssl.create_default_context(cafile=authority.file)
        assert httpx.get(f"{program.http}/healthz", verify=trusting).status_code == 200
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"{program.http}/healthz")
        assert run("chat", "Hi", "--core", program.grpc, "--core-ca", str(authority.file)).stdout == "Hi\n"
        assert run("chat", "Hi", "--core", program.grpc).returncode == 1


def test_only_clients_of_the_authority_get_in_with_mutual_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.certify("server")
    config = tmp_path / "dragoman.toml"
    config.write_text(f'[server.http_tls]\n{FILES}client_ca = "ca.pem"\n')
    with running("serve", *HERE, "--config", str(config)) as program:
        known = ssl.create_default_context(cafile=authority.file)
        known.load_cert_chain(*authority.certify("client"))
        assert httpx.get(f"{program.http}/healthz", verify=known).status_code == 200
        unknown = ssl.create_default_context(cafile=authority.file)
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError, httpx.ConnectError)):
            httpx.get(f"{program.http}/healthz", verify=unknown)


def test_a_core_that_lets_in_only_clients_of_the_authority(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    authority.certify("server")
    certificate, private_key = authority.certify("facade")
    config = tmp_path / "dragoman.toml"
    config.write_text(f'[server.grpc_tls]\n{FILES}client_ca = "ca.pem"\n')
    trust = ("--core-ca", str(authority.file))
    shown = (*trust, "--core-cert", str(certificate), "--core-cert-key", str(private_key))
    with running("core", "--grpc", "127.0.0.1:0", "--config", str(config)) as core:
        assert run("health", "--core", core.grpc, *trust).stdout == "not serving\n"
        assert run("health", "--core", core.grpc, *shown).stdout == "serving\n"
        with running("facade", "--http", "127.0.0.1:0", "--core", core.grpc, *shown) as facade:
            body = {"model": "demo/echo", "messages": [{"role": "user", "content": "Hi"}]}
            answer = httpx.post(f"{facade.http}/v1/chat/completions", json=body, timeout=30)
            assert answer.json()["choices"][0]["message"]["content"] == "Hi"


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--core-cert", "a.pem"), "--core-cert and --core-cert-key belong together: give both, or neither."),
        (("--core-cert-key", "a.key"), "--core-cert and --core-cert-key belong together: give both, or neither."),
        (
            ("--core-cert", "a.pem", "--core-cert-key", "a.key"),
            "--core-cert needs --core-ca: the authority that the core's own certificate is from.",
        ),
    ],
)
def test_certificates_that_cannot_be_shown(flags: tuple[str, ...], said: str) -> None:
    ended = run("health", "--core", "127.0.0.1:9", *flags)
    assert (ended.returncode, ended.stderr) == (2, f"dragoman: {said}\n")


@pytest.mark.parametrize("door", ["http_tls", "grpc_tls"])
def test_what_is_no_certificate_is_told(door: str, tmp_path: Path) -> None:
    for name in ("server.pem", "server.key"):
        (tmp_path / name).write_text("no certificate")
    config = tmp_path / "dragoman.toml"
    config.write_text(f"[server.{door}]\n{FILES}")

    ended = run("serve", *HERE, "--config", str(config))

    assert ended.returncode == 2
    assert f"{door}: {tmp_path}/server.pem and {tmp_path}/server.key are not a usable certificate" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_authority_file_that_is_not_there() -> None:
    ended = run("health", "--core", "127.0.0.1:9", "--core-ca", "/no/such.pem")

    assert ended.returncode == 2
    assert ended.stderr == "dragoman: --core-ca /no/such.pem: cannot be read: No such file or directory.\n"
