"""Downloads over TLS: the address is chosen by the guard, and the name is still verified.

What is trusted is settled when the HTTP client is loaded, so each test downloads in a process of its own.
"""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.gateway_cli.certificates import Authority

DOWNLOAD = """
import asyncio, socket, sys
from aiohttp.abc import AbstractResolver
from gateway_core.call import Deadline
from gateway_core.transport.base import Undeliverable
from gateway_core.transport.guard import Guard
from gateway_core.transport.http_download import HttpDownloader

class Here(AbstractResolver):
    async def resolve(self, host, port=0, family=socket.AF_INET):
        return [dict(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)]
    async def close(self):
        pass

async def main():
    downloader = HttpDownloader("dragoman/test", Guard(allow_private=True), resolver=Here())
    try:
        print((await downloader.download(sys.argv[1], 1000, Deadline())).data.decode())
    except Undeliverable as failure:
        print("refused:", failure)
    finally:
        await downloader.close()

asyncio.run(main())
"""


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "7")
        self.end_headers()
        self.wfile.write(b"content")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing to say."""


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, int]]:
    """(the authority's file, the port of a server whose certificate is for 127.0.0.1)."""
    authority = Authority(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*authority.certify("server"))
    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield authority.file, server.server_port
        finally:
            server.shutdown()
            thread.join()


def downloaded(url: str, trusted: Path | None) -> str:
    environ = {**os.environ, **({"SSL_CERT_FILE": str(trusted)} if trusted else {})}
    command = [sys.executable, "-c", DOWNLOAD, url]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=environ)
    return ended.stdout.strip()


def test_a_trusted_server_is_read(served: tuple[Path, int]) -> None:
    trusted, port = served
    assert downloaded(f"https://127.0.0.1:{port}/", trusted) == "content"


def test_a_server_that_nobody_vouches_for_is_not(served: tuple[Path, int]) -> None:
    _, port = served
    assert downloaded(f"https://127.0.0.1:{port}/", None).startswith(
        "refused: no connection to 127.0.0.1: its certificate is not trusted"
    )


def test_a_certificate_for_another_name_is_refused_at_the_right_address_too(served: tuple[Path, int]) -> None:
    trusted, port = served
    said = downloaded(f"https://pictures.example:{port}/", trusted)
    assert said.startswith("refused: no connection to pictures.example: its certificate is not trusted (Hostname mismatch")
