"""Attachments: the media of one call, checked when it is admitted, and fetched for targets that need the bytes."""

import asyncio
import mimetypes
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from dragoman.reasons import GatewayError, invalid
from dragoman.v1.chat_pb2 import ChatRequest
from dragoman.v1.content_pb2 import MEDIA_KIND_FILE
from gateway_core.call import Deadline
from gateway_core.media.content import Content, correction_of, settled_type
from gateway_core.media.places import Place, check_opaque, check_vision, media_of
from gateway_core.providers.registry import DIALECTS
from gateway_core.transport.base import Download, Downloader, Undeliverable
from gateway_dialects.kit.dialect import Endpoint
from gateway_dialects.kit.sniff import spelled

CONCURRENT_FETCHES = 6
"""How many URLs of one call are fetched at one time."""


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """What the media of one call may come to where the gateway fetches it."""

    bytes_each: int = 20 * 1024 * 1024
    bytes_all: int = 50 * 1024 * 1024
    urls: int = 100


class Attachments:
    """The media of one call. What was fetched for one target is reused for the next."""

    def __init__(self, request: ChatRequest, downloader: Downloader, limits: FetchLimits, *, vision: bool) -> None:
        self._request = request
        self._places = tuple(place for place in media_of(request) if is_remote(place))
        self._downloader = downloader
        self._limits = limits
        self._vision = vision
        self._fetched: dict[str, Download] = {}
        self._filled: dict[tuple[str, ...], ChatRequest] = {(): request}

    async def request_for(self, model: str, endpoint: Endpoint, deadline: Deadline) -> ChatRequest:
        """The request as the target can take it. Raises GatewayError INVALID_REQUEST for a URL that cannot be fetched, and
        DEADLINE_EXCEEDED."""
        needs_bytes = DIALECTS[endpoint.dialect].needs_bytes
        wanted = [place for place in self._places if needs_bytes(place.media, model, endpoint)]
        fields = tuple(place.field for place in wanted)
        if fields not in self._filled:
            await self._fetch(wanted, deadline)
            self._filled[fields] = self._fill(frozenset(fields))
        return self._filled[fields]

    async def _fetch(self, wanted: Iterable[Place], deadline: Deadline) -> None:
        """All that is not here yet, at once. The first failure gives up the others."""
        missing: dict[str, str] = {}
        for place in wanted:
            if place.media.uri not in self._fetched:
                missing.setdefault(place.media.uri, place.field)
        if len(missing) + len(self._fetched) > self._limits.urls:
            raise invalid("messages", f"messages hold more than {self._limits.urls} URLs that would have to be fetched")
        turns = asyncio.Semaphore(CONCURRENT_FETCHES)
        tasks = [asyncio.ensure_future(self._get(url, field, deadline, turns)) for url, field in missing.items()]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _get(self, url: str, field: str, deadline: Deadline, turns: asyncio.Semaphore) -> None:
        async with turns:
            max_bytes = min(self._left(), self._limits.bytes_each)
            try:
                if max_bytes > 0:
                    self._fetched[url] = await self._downloader.download(url, max_bytes, deadline)
            except Undeliverable as failure:
                raise not_fetched(field, str(failure)) from failure
            if max_bytes <= 0 or self._left() < 0:
                raise not_fetched(field, f"all URLs together deliver more than {self._limits.bytes_all} bytes")

    def _left(self) -> int:
        """How many bytes may still come."""
        return self._limits.bytes_all - sum(len(one.data) for one in self._fetched.values())

    def _fill(self, fields: frozenset[str]) -> ChatRequest:
        """A copy with bytes in place of the URLs."""
        filled = ChatRequest()
        filled.CopyFrom(self._request)
        for place in media_of(filled):
            if place.field in fields:
                url = place.media.uri
                put(place, content_of(place, self._fetched[url]), name_in(url))
        if not self._vision:
            check_vision(media_of(filled))
        return filled


class MediaIntake:
    """Rejects media that cannot be used, and corrects media types that are declared wrongly."""

    def __init__(self, downloader: Downloader, limits: FetchLimits, *, vision: bool = True) -> None:
        """vision: whether requests may hold pictures."""
        self._downloader = downloader
        self._limits = limits
        self._vision = vision

    def admit(self, request: ChatRequest) -> Attachments | None:
        """None: there is no media. The request stays as it is: it belongs to whoever called. Raises GatewayError
        INVALID_REQUEST naming the field."""
        if not self._vision:
            check_opaque(request)
        if not holds_media(request):
            return None
        places = media_of(request)
        if not self._vision:
            check_vision(places)
        corrections = {place.field: found for place in places if (found := correction_of(place)) is not None}
        if corrections:
            request = with_corrections(request, corrections)
            if not self._vision:
                # A picture that was sent as something else.
                check_vision(media_of(request))
        return Attachments(request, self._downloader, self._limits, vision=self._vision)

    async def close(self) -> None:
        await self._downloader.close()


def holds_media(request: ChatRequest) -> bool:
    """Asked of every call, so it does nothing else."""
    for message in request.messages:
        parts = message.parts
        # Most messages are one text; to look at that costs half of a loop.
        if len(parts) == 1 and parts[0].HasField("text"):
            continue
        for part in parts:
            kind = part.WhichOneof("kind")
            if kind == "media" or (kind == "tool_result" and any(one.HasField("media") for one in part.tool_result.parts)):
                return True
    return False


def is_remote(place: Place) -> bool:
    return place.media.WhichOneof("source") == "uri" and place.media.uri[:8].lower().startswith(("http://", "https://"))


def content_of(place: Place, fetched: Download) -> Content:
    """With the type that the bytes show, or else the client, the server or the name declares, in this order."""
    media = place.media
    declared = (
        spelled(media.mime_type) or spelled(fetched.mime_type) or spelled(mimetypes.guess_type(name_in(media.uri))[0] or "")
    )
    return Content(fetched.data, settled_type(media.kind, declared, fetched.data, place.field))


def put(place: Place, content: Content, filename: str = "") -> None:
    media = place.media
    media.data, media.mime_type = content.data, content.mime_type
    if media.kind == MEDIA_KIND_FILE and not media.filename:
        media.filename = filename


def name_in(url: str) -> str:
    """The file's name at the end of a URL's path; empty when it ends in a slash."""
    try:
        return unquote(urlsplit(url).path).rpartition("/")[2]
    except ValueError:
        return ""


def not_fetched(field: str, reason: str) -> GatewayError:
    return invalid(field, f"{field} cannot be fetched: {reason}")


def with_corrections(request: ChatRequest, corrections: Mapping[str, Content]) -> ChatRequest:
    """A copy with these in their fields."""
    corrected = ChatRequest()
    corrected.CopyFrom(request)
    for place in media_of(corrected):
        if place.field in corrections:
            put(place, corrections[place.field])
    return corrected
