"""What the gateway does with pictures, sounds and documents, as an operator configures it: [media]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway_core.settings.byok import read_flag
from gateway_core.settings.file import Table

VISION = "ENABLE_VISION"


@dataclass(frozen=True, slots=True)
class MediaSettings:
    vision: bool = True
    """Whether requests may hold pictures, moving ones included."""
    max_bytes: int = 20 * 1024 * 1024
    """The most that is fetched from one URL."""
    timeout: float = 10.0
    """Seconds that one URL may take, redirects included."""


def read_media(table: Table | None, environ: Mapping[str, str]) -> MediaSettings:
    """ENABLE_VISION wins over the file. Raises SettingsError."""
    settings = MediaSettings()
    if table is not None:
        settings = MediaSettings(
            vision=table.flag("vision", settings.vision),
            max_bytes=table.whole("max_bytes", settings.max_bytes, least=1),
            timeout=table.seconds("timeout", settings.timeout),
        )
        table.finish()
    if environ.get(VISION, "").strip():
        settings = MediaSettings(read_flag(VISION, environ), settings.max_bytes, settings.timeout)
    return settings
