"""Where a server listens: HOST:PORT."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from gateway_core.settings.file import SettingsError


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server listens."""

    host: str
    port: int
    """0 lets the system choose."""

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def parse_address(text: str, place: str) -> Address:
    """HOST:PORT, with brackets around an IPv6 host. Raises SettingsError."""
    host, colon, port = text.strip().rpartition(":")
    if not colon or not port.isascii() or not port.isdecimal() or int(port) > 65535 or (":" in host and host[0] != "["):
        raise SettingsError(f"{place} must be HOST:PORT, like 127.0.0.1:8080, not {text!r}.")
    return Address(host.strip("[]") or "0.0.0.0", int(port))
