"""Downloads against real sockets: what comes, what is cut off, and what is not even asked."""

from __future__ import annotations

import asyncio
import gzip
import socket
import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Protocol

import pytest
import uvloop
from aiohttp.abc import AbstractResolver, ResolveResult

from dragoman.reasons import GatewayError, Reason
from gateway_core.call import Deadline
from gateway_core.transport.base import Download, Undeliverable
from gateway_core.transport.guard import Address, Guard
from gateway_core.transport.http_download import DownloadLimits, HttpDownloader
from tests.upstream import CUT, STALL, Handler, Pause, Received, Reply, Upstream

NO_END = Deadline()
OPEN = Guard(allow_private=True)
PATIENT = DownloadLimits()
CLOSED = Guard()
MOST = 100_000
PNG = Reply(headers={"content-type": "image/png; q=1"}, body=b"\x89PNG")


@dataclass
class Names(AbstractResolver):
    """Gives a name its addresses in turn; the last ones are repeated."""

    answers: Sequence[Sequence[str]]
    asked: list[str] = field(default_factory=list)

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        found = self.answers[min(len(self.asked), len(self.answers) - 1)]
        self.asked.append(host)
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [ResolveResult(hostname=host, host=one, port=port, family=socket.AF_INET, proto=0, flags=0) for one in found]

    async def close(self) -> None:
        """Nothing is open."""


class OnlyFirstLoopback(Guard):
    """Takes 127.0.0.1 for a public address, and all others for what they are."""

    def allows(self, address: Address) -> bool:
        return address == IPv4Address("127.0.0.1") or super().allows(address)


Check = Callable[[Upstream, HttpDownloader], Awaitable[None]]


class Run(Protocol):
    def __call__(
        self,
        reply: Reply | Handler,
        check: Check,
        guard: Guard = ...,
        limits: DownloadLimits = ...,
        resolver: AbstractResolver | None = ...,
    ) -> None: ...


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Runs a check against a server that gives a reply, on each kind of event loop."""

    def run(
        reply: Reply | Handler,
        check: Check,
        guard: Guard = OPEN,
        limits: DownloadLimits = PATIENT,
        resolver: AbstractResolver | None = None,
    ) -> None:
        handler: Handler = (lambda _: reply) if isinstance(reply, Reply) else reply

        async def main() -> None:
            async with Upstream(handler) as upstream:
                downloader = HttpDownloader("dragoman/test", guard, limits, resolver=resolver)
                try:
                    await check(upstream, downloader)
                finally:
                    await downloader.close()

        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(main())

    return run


async def refusal(awaitable: Awaitable[object]) -> str:
    with pytest.raises(Undeliverable) as caught:
        await awaitable
    return str(caught.value)


def to(location: str, status: int = 302) -> Reply:
    return Reply(status, {"location": location}, b"elsewhere")


def port_of(upstream: Upstream) -> str:
    return upstream.url.rpartition(":")[2]


def test_what_is_behind_a_url_comes_with_the_type_that_its_server_says(run: Run) -> None:
    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        assert await downloader.download(f"{upstream.url}/a.png?b=%2F#c", MOST, NO_END) == Download(b"\x89PNG", "image/png")
        [request] = upstream.requests
        assert (request.method, request.path) == ("GET", "/a.png?b=%2F")
        assert request.headers["user-agent"] == "dragoman/test"
        assert {"cookie", "authorization", "referer"}.isdisjoint(request.headers)

    run(PNG, check)


def test_a_redirect_is_followed_to_where_it_leads(run: Run) -> None:
    def handler(request: Received) -> Reply:
        return PNG if request.path == "/b/c.png" else to("b/c.png", 307)

    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        assert (await downloader.download(f"{upstream.url}/a", MOST, NO_END)).data == b"\x89PNG"
        assert [request.path for request in upstream.requests] == ["/a", "/b/c.png"]

    run(handler, check)


def test_more_than_three_redirects_lead_nowhere(run: Run) -> None:
    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        assert await refusal(downloader.download(upstream.url, MOST, NO_END)) == "127.0.0.1 redirects more than 3 times"
        assert len(upstream.requests) == 4

    run(to("/again"), check)


@pytest.mark.parametrize(
    "place",
    [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://[::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[fe80::1%25lo]/",
        "//10.0.0.1/",
        "http://2130706433/",
        "http://127.1/",
    ],
)
def test_a_redirect_to_a_private_address_is_not_followed(run: Run, place: str) -> None:
    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        said = await refusal(downloader.download(upstream.url, MOST, NO_END))
        assert "is not a public address" in said or said == "it is not a valid URL"
        assert len(upstream.connections) == 1

    run(to(place), check, OnlyFirstLoopback())


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::ffff:127.0.0.1]", "localhost", "127.1", "0x7f.1", "2130706433", "0.0.0.0"]
)
def test_a_private_address_is_not_connected_to(run: Run, host: str) -> None:
    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        await refusal(downloader.download(f"http://{host}:{port_of(upstream)}/", MOST, NO_END))
        assert upstream.connections == []

    run(PNG, check, CLOSED)


@pytest.mark.parametrize(
    "addresses", [["10.0.0.1"], ["93.184.216.34", "127.0.0.1"], ["127.0.0.1", "93.184.216.34"], ["169.254.169.254"]]
)
def test_one_private_address_is_enough_to_refuse_a_name(run: Run, addresses: Sequence[str]) -> None:
    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        said = await refusal(downloader.download(f"http://pictures.example:{port_of(upstream)}/", MOST, NO_END))
        assert said == "pictures.example is not a public address"
        assert upstream.connections == []

    run(PNG, check, CLOSED, resolver=Names([addresses]))


def test_a_name_that_changes_its_mind_is_connected_to_where_it_was_checked(run: Run) -> None:
    names = Names([["127.0.0.1"], ["127.0.0.2"]])

    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        url = f"http://pictures.example:{port_of(upstream)}/"
        assert (await downloader.download(url, MOST, NO_END)).data == b"\x89PNG"
        assert names.asked == ["pictures.example"]
        assert upstream.requests[0].headers["host"] == f"pictures.example:{port_of(upstream)}"
        assert await refusal(downloader.download(url, MOST, NO_END)) == "pictures.example is not a public address"
        assert len(upstream.connections) == 1

    run(PNG, check, OnlyFirstLoopback(), resolver=names)


def test_a_redirect_resolves_and_checks_the_name_again(run: Run) -> None:
    names = Names([["127.0.0.1"], ["127.0.0.2"]])

    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        said = await refusal(downloader.download(f"http://pictures.example:{port_of(upstream)}/", MOST, NO_END))
        assert said == "pictures.example is not a public address"
        assert names.asked == ["pictures.example"] * 2
        assert len(upstream.connections) == 1

    run(to("/again"), check, OnlyFirstLoopback(), resolver=names)


def test_a_name_that_does_not_resolve(run: Run) -> None:
    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        said = await refusal(downloader.download("http://nowhere.example/a.png", MOST, NO_END))
        assert said == "no connection to nowhere.example: its name cannot be resolved"

    run(PNG, check, resolver=Names([[]]))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://a.example/b", "only http and https URLs can be fetched"),
        ("file:///etc/passwd", "only http and https URLs can be fetched"),
        ("gopher://a.example/", "only http and https URLs can be fetched"),
        ("cat.png", "only http and https URLs can be fetched"),
        ("http://", "only http and https URLs can be fetched"),
        ("http:///a", "only http and https URLs can be fetched"),
        ("http://user:secret@a.example/", "a URL must not hold a user name or password"),
        ("http://user@a.example/", "a URL must not hold a user name or password"),
        ("http://a.example:22/", "port 22 is not one that HTTP is served on"),
        ("https://a.example:6667/", "port 6667 is not one that HTTP is served on"),
        ("http://a.example:0/", "port 0 is not one that HTTP is served on"),
        ("http://a.example:70000/", "it is not a valid URL"),
        ("http://a.example:x/", "it is not a valid URL"),
        ("http://[::1/", "it is not a valid URL"),
        (f"http://a.example/{'a' * 9000}", "the URL is longer than 8192 characters"),
    ],
)
def test_what_is_no_url_of_content(run: Run, url: str, said: str) -> None:
    names = Names([["127.0.0.1"]])

    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        assert await refusal(downloader.download(url, MOST, NO_END)) == said
        assert names.asked == []

    run(PNG, check, resolver=names)


@pytest.mark.parametrize(
    "url", ["http://a b.example/", "http://é.example/\u0000", "http://a.example\r\nX: y/", "http://a..b/"]
)
def test_strange_urls_are_refused_in_words(run: Run, url: str) -> None:
    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        assert await refusal(downloader.download(url, MOST, NO_END))

    run(PNG, check, CLOSED, resolver=Names([["127.0.0.1"]]))


@pytest.mark.parametrize("status", [204, 304, 401, 404, 500])
def test_a_status_that_gives_no_content(run: Run, status: int) -> None:
    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        said = await refusal(downloader.download(upstream.url, MOST, NO_END))
        assert said == f"127.0.0.1 answered with status {status}"

    run(Reply(status, body=b""), check)


def test_what_announces_that_it_is_too_large_is_not_read(run: Run) -> None:
    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        said = await refusal(downloader.download(upstream.url, MOST, NO_END))
        assert said == "what 127.0.0.1 delivers is larger than 100000 bytes"
        await upstream.connections[0].wait()

    run(Reply(headers={"content-length": str(MOST + 1)}, body=[b"a", STALL]), check)


def test_an_endless_body_is_cut_off(run: Run) -> None:
    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        assert "larger than" in await refusal(downloader.download(upstream.url, MOST, NO_END))
        await upstream.connections[0].wait()

    run(Reply(body=[*[b"a" * 1000] * (MOST // 1000 + 1), STALL]), check)


def test_exactly_the_limit_is_not_too_large(run: Run) -> None:
    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        assert len((await downloader.download(upstream.url, MOST, NO_END)).data) == MOST

    run(Reply(body=b"a" * MOST), check)


def test_a_body_shorter_than_announced_is_not_taken_for_whole(run: Run) -> None:
    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        said = await refusal(downloader.download(upstream.url, MOST, NO_END))
        assert said == "127.0.0.1 broke off before the end of the content"

    run(Reply(headers={"content-length": "10"}, body=[b"12345", CUT]), check)


def test_what_comes_after_the_announced_length_is_not_read(run: Run) -> None:
    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        try:
            assert (await downloader.download(upstream.url, MOST, NO_END)).data == b"1234"
        except Undeliverable as failure:
            # Where both come in one read.
            assert str(failure) == "127.0.0.1 answered something that is not HTTP"

    run(Reply(headers={"content-length": "4"}, body=[b"1234", b"5" * MOST]), check)


@pytest.mark.parametrize(
    ("encoding", "body"), [("gzip", gzip.compress(b"a" * 5_000_000)), ("deflate", zlib.compress(b"a" * 5_000_000))]
)
def test_what_is_small_only_while_compressed_is_cut_off(run: Run, encoding: str, body: bytes) -> None:
    assert len(body) < MOST // 10

    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        assert "larger than" in await refusal(downloader.download(upstream.url, MOST, NO_END))

    run(Reply(headers={"content-encoding": encoding}, body=body), check)


def test_a_compressed_body_is_decompressed(run: Run) -> None:
    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        assert (await downloader.download(upstream.url, MOST, NO_END)).data == b"a" * 1000

    run(Reply(headers={"content-encoding": "gzip"}, body=gzip.compress(b"a" * 1000)), check)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd"])
def test_what_is_not_compressed_as_it_says(run: Run, encoding: str) -> None:
    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        assert (await refusal(downloader.download(upstream.url, MOST, NO_END))).startswith("127.0.0.1 ")

    run(Reply(headers={"content-encoding": encoding}, body=b"\xff this is not compressed"), check)


@pytest.mark.parametrize("mime_type", ["text/plain,a;b", "image", "a b/c", 'text/"x"', "/", "text/"])
def test_a_type_that_is_none_is_not_told(run: Run, mime_type: str) -> None:
    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        found = await downloader.download(upstream.url, MOST, NO_END)
        assert found.mime_type == ""

    run(Reply(headers={"content-type": mime_type}, body=b"a"), check)


def test_names_are_resolved_by_the_system_where_nobody_else_does(run: Run) -> None:
    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        url = upstream.url.replace("127.0.0.1", "localhost")
        assert (await downloader.download(url, MOST, NO_END)).data == b"\x89PNG"
        said = await refusal(downloader.download("http://nowhere.invalid/", MOST, NO_END))
        assert said == "no connection to nowhere.invalid: its name cannot be resolved"

    run(PNG, check)


def test_closing_ends_what_is_under_way(run: Run) -> None:
    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        task = asyncio.ensure_future(downloader.download(upstream.url, MOST, NO_END))
        await upstream.arrival().wait()
        await downloader.close()
        with pytest.raises(GatewayError) as caught:
            await task
        assert caught.value.reason is Reason.SHUTTING_DOWN
        await upstream.connections[0].wait()

    run(Reply(body=[b"a", STALL]), check)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(before_head=[STALL]),
        Reply(body=[b"a", STALL]),
        Reply(headers={"content-encoding": "gzip"}, body=[gzip.compress(b"a" * 1000)[:20], STALL]),
    ],
    ids=["no head", "no end", "no end of the compressed"],
)
def test_a_slow_server_is_left_and_its_socket_closed(run: Run, reply: Reply) -> None:
    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        assert await refusal(downloader.download(upstream.url, MOST, NO_END)) == "127.0.0.1 did not deliver within 0.2 s"
        await upstream.connections[0].wait()

    run(reply, check, limits=DownloadLimits(total_s=0.2))


def test_dripping_does_not_push_the_limit_back(run: Run) -> None:
    def dripping(_: Received) -> Reply:
        return Reply(body=[step for _ in range(2000) for step in (b"a", Pause(0.01))])

    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        assert "did not deliver within" in await refusal(downloader.download(upstream.url, MOST, NO_END))
        await upstream.connections[0].wait()

    run(dripping, check, limits=DownloadLimits(total_s=0.3))


def test_redirects_share_the_time(run: Run) -> None:
    def handler(request: Received) -> Reply:
        return Reply(before_head=[STALL]) if request.path == "/slow" else to("/slow")

    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        assert "did not deliver within" in await refusal(downloader.download(upstream.url, MOST, NO_END))
        assert len(upstream.requests) == 2

    run(handler, check, limits=DownloadLimits(total_s=0.3))


def test_the_call_s_deadline_counts_where_it_comes_first(run: Run) -> None:
    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        with pytest.raises(GatewayError) as caught:
            await downloader.download(upstream.url, MOST, Deadline.after(0.2))
        assert caught.value.reason is Reason.DEADLINE_EXCEEDED
        await upstream.connections[0].wait()

    run(Reply(before_head=[STALL]), check)


def test_cancelling_closes_the_socket(run: Run) -> None:
    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        task = asyncio.ensure_future(downloader.download(upstream.url, MOST, NO_END))
        await upstream.arrival().wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await upstream.connections[0].wait()

    run(Reply(body=[b"a", STALL]), check)


@pytest.mark.parametrize("head", [b"SSH-2.0-x\r\n", b"220 mail ready\r\n", b"\x00\x01\x02"])
def test_what_does_not_speak_http(run: Run, head: bytes) -> None:
    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        said = await refusal(downloader.download(upstream.url, MOST, NO_END))
        assert said in (
            "127.0.0.1 answered something that is not HTTP",
            "127.0.0.1 closed the connection before it answered",
        )

    run(Reply(before_head=[head, CUT]), check)


def test_a_closed_downloader_asks_nobody(run: Run) -> None:
    async def check(upstream: Upstream, downloader: HttpDownloader) -> None:
        await downloader.close()
        with pytest.raises(GatewayError) as caught:
            await downloader.download(upstream.url, MOST, NO_END)
        assert caught.value.reason is Reason.SHUTTING_DOWN
        assert upstream.connections == []

    run(PNG, check)
