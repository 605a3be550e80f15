"""Pages of other sites, in the browser of somebody who can reach a gateway without keys: a page may send requests there, and
by a name of its own that it points at the gateway's address (DNS rebinding) it could read the answers too."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

from dragoman.reasons import GatewayError, Reason
from http_facade.cors import Cors
from http_facade.exchange import Exchange

LOCAL_NAMES = re.compile(r"localhost|.+\.localhost|host\.docker\.internal")
"""They cannot be had by anybody else (RFC 6761, section 6.3); the last one is Docker's, for this machine from inside a
container."""
WEB = re.compile(r"https?://(?P<authority>[^/]+)")
AUTHORITY = re.compile(r"(?:\[(?P<address>[^\]]+)\]|(?P<name>[^:\[]+?)\.?)(?::\d*)?")
MOST_HOSTS = 100


class PageGuard:
    """For requests that need no key: their Host must be this machine's, their Origin no other site's."""

    def __init__(self, hosts: Iterable[str] = (), cors: Cors | None = None) -> None:
        """hosts: names that are this machine's too. cors: whose origins are let in."""
        self._names = frozenset(host.lower() for host in hosts)
        self._cors = cors
        self._known: set[bytes] = set()

    def check(self, exchange: Exchange) -> None:
        """Raises GatewayError 421 or 403."""
        host = exchange.headers.get(b"host")
        if host is not None and host not in self._known:
            self._check_host(host)
        if (origin := exchange.headers.get(b"origin")) is not None and not self._allows(origin, host):
            shown = origin.decode("latin-1")[:256]
            message = (
                f"This gateway has no keys, so it does not answer pages of other sites; this request is from one at {shown}."
                " The operator can allow it ([server] cors_origins), or make a gateway key."
            )
            raise GatewayError(Reason.PERMISSION_DENIED, message, code="origin_not_allowed")

    def _check_host(self, host: bytes) -> None:
        name = name_in(host.decode("latin-1"))
        # An address cannot be rebound.
        if not (name in self._names or LOCAL_NAMES.fullmatch(name) or is_address(name)):
            message = (
                f"This gateway has no keys, so it answers to names of its own machine alone, and {name[:256]} is not known"
                " as one. Ask it as localhost; or the operator can add the name ([server] hosts), or make a gateway key."
            )
            raise GatewayError(Reason.INVALID_REQUEST, message, code="unknown_host", status=421)
        if len(self._known) < MOST_HOSTS:
            self._known.add(host)

    def _allows(self, origin: bytes, host: bytes | None) -> bool:
        """Origins of programs (chrome-extension://, vscode-webview:// ...) are no pages'. null is anybody's."""
        if self._cors is not None and self._cors.allows(origin):
            return True
        text = origin.decode("latin-1").lower()
        page = WEB.fullmatch(text)
        if page is None:
            return "://" in text
        if host is not None and page["authority"] == host.decode("latin-1").lower():
            return True
        name = name_in(page["authority"])
        return bool(LOCAL_NAMES.fullmatch(name)) or is_loopback(name)


def name_in(authority: str) -> str:
    """The host without its port, in lower case; the whole of what is no authority."""
    found = AUTHORITY.fullmatch(authority)
    return (found["address"] or found["name"] if found else authority).lower()


def is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(name: str) -> bool:
    return is_address(name) and ipaddress.ip_address(name).is_loopback
