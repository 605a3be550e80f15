"""Cross-origin requests (CORS, https://fetch.spec.whatwg.org/#http-cors-protocol) from the pages that an operator allows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from dragoman.metadata import APP_NAMES, BYOK_NAMES, KEY_NAMES, STRICT, TAG_NAMES

if TYPE_CHECKING:
    from http_facade.api import Endpoint
    from http_facade.exchange import Exchange

EVERY_ORIGIN = "*"
METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
ALLOWED_HEADERS = (
    *("accept", "content-type", "content-encoding", "x-request-id", "idempotency-key"),
    *KEY_NAMES,
    *("anthropic-version", "anthropic-beta", "anthropic-dangerous-direct-browser-access"),
    *("openai-beta", "openai-organization", "openai-project", "x-goog-api-client"),
    *("user-agent", "x-stainless-arch", "x-stainless-lang", "x-stainless-os", "x-stainless-package-version"),
    *("x-stainless-retry-count", "x-stainless-runtime", "x-stainless-runtime-version", "x-stainless-timeout"),
    *("x-stainless-helper-method", "x-fern-language", "x-fern-sdk-name", "x-fern-sdk-version"),
    *(*BYOK_NAMES, *TAG_NAMES, *APP_NAMES, STRICT),
)
"""Sent where a preflight names none: browsers name what the page's SDK sets, and exactly that is allowed then."""
EXPOSED_HEADERS = (
    *("request-id", "x-request-id", "x-model-used", "x-fallback-from", "x-dragoman-provider", "x-dragoman-attempts"),
    *("x-dragoman-call-id", "x-dragoman-warnings", "x-dragoman-estimated", "x-dragoman-request-id", "x-dragoman-route"),
    *("retry-after", "retry-after-ms", "allow", "accept-encoding"),
)
"""What a page may read of an answer beside what every page may."""
MAX_AGE_S = 7200
"""How long a browser may remember a preflight; Chromium remembers none for longer."""
Headers = list[tuple[bytes, bytes]]


class Cors:
    """The answer's headers. One for a process."""

    def __init__(self, origins: Iterable[str]) -> None:
        """origins: scheme://host[:port] as browsers write them, or * for all."""
        self._origins = frozenset(origin.encode() for origin in origins)
        self._any = EVERY_ORIGIN.encode() in self._origins
        self._exposed = ", ".join(EXPOSED_HEADERS).encode()

    def allows(self, origin: bytes) -> bool:
        return self._any or origin in self._origins

    def endpoint_of(self, exchange: Exchange) -> Endpoint | None:
        """What answers a preflight, which is how a browser asks before a page's request; None: another request. Also sets
        the headers of the answer, whatever it will be: without them a page sees nothing of an error either."""
        origin = exchange.headers.get(b"origin")
        if origin is None:
            return None
        exchange.added = self._headers(origin)
        is_preflight = exchange.scope["method"] == "OPTIONS" and b"access-control-request-method" in exchange.headers
        return self.preflight if is_preflight else None

    def _headers(self, origin: bytes) -> Headers:
        vary = [] if self._any else [(b"vary", b"origin")]
        if not self.allows(origin):
            return vary
        allowed = EVERY_ORIGIN.encode() if self._any else origin
        return [(b"access-control-allow-origin", allowed), (b"access-control-expose-headers", self._exposed), *vary]

    async def preflight(self, exchange: Exchange) -> None:
        """204 for every path: an origin that is not allowed gets no headers, which is how browsers read a refusal."""
        headers: Headers = []
        if self.allows(exchange.headers[b"origin"]):
            asked = exchange.headers.get(b"access-control-request-headers") or ", ".join(ALLOWED_HEADERS).encode()
            headers = [
                (b"access-control-allow-methods", METHODS),
                (b"access-control-allow-headers", asked),
                (b"access-control-max-age", b"%d" % MAX_AGE_S),
            ]
            if exchange.headers.get(b"access-control-request-private-network") == b"true":
                headers.append((b"access-control-allow-private-network", b"true"))
        await exchange.begin(204, headers)
        await exchange.write(b"", more=False)
