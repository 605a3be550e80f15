"""Azure's row."""

from __future__ import annotations

from gateway_core.providers.vendor import Vendor

VENDORS: tuple[Vendor, ...] = (
    Vendor(
        "azure",
        "https://{RESOURCE}.openai.azure.com",
        "azure",
        more_hosts=(
            *("*.openai.azure.com", "*.cognitiveservices.azure.com"),
            *("*.services.ai.azure.com", "*.models.ai.azure.com"),
        ),
        key_aliases=("AZURE_OPENAI_API_KEY",),
        url_aliases=("AZURE_OPENAI_ENDPOINT", "AZURE_AI_ENDPOINT"),
        version_variables=("AZURE_API_VERSION", "OPENAI_API_VERSION"),
    ),
)
