"""What is said when a gateway is ready."""

from __future__ import annotations

from gateway_core.settings.server import Address
from gateway_core.settings.settings import Settings


def greeting(settings: Settings, http_url: str | None, grpc: Address) -> str:
    """One line: where it listens, who can be asked, whether a key is needed."""
    places = [f"{http_url}/v1 (HTTP)"] if http_url else []
    places.append(f"{grpc} (gRPC)")
    providers = ", ".join(sorted(provider.name for provider in settings.providers))
    keys = "a gateway key is required" if settings.keys else "no key needed"
    return f"Dragoman is ready on {' and '.join(places)}. Providers: {providers}; try the model demo/echo; {keys}."
