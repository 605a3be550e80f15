"""What happens to every call's media before a provider is asked."""

from __future__ import annotations

from dragoman.v1.chat_pb2 import ChatRequest
from gateway_core.media.enclosures import Enclosures, FetchLimits, with_corrections
from gateway_core.media.inline import correction_of
from gateway_core.media.places import holds_media, media_of
from gateway_core.media.vision import check_opaque, check_vision
from gateway_core.transport.download import Downloader


class MediaIntake:
    """Refuses what cannot be used, corrects what is declared wrongly, and fetches what a target cannot fetch."""

    def __init__(self, downloader: Downloader, limits: FetchLimits, *, vision: bool = True) -> None:
        """vision: whether requests may hold pictures."""
        self._downloader = downloader
        self._limits = limits
        self._vision = vision

    def admit(self, request: ChatRequest) -> Enclosures | None:
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
        return Enclosures(request, self._downloader, self._limits, vision=self._vision)

    async def close(self) -> None:
        await self._downloader.close()
