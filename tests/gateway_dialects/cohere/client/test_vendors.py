import pytest

from gateway_core.settings.providers import ProviderSettings, read_providers


def cohere(url: str = "") -> ProviderSettings:
    environ = {"COHERE_API_KEY": "k", "COHERE_API_URL": url}
    return next(provider for provider in read_providers(None, environ) if provider.name == "cohere")


def test_cohere_is_asked_in_its_own_language() -> None:
    assert (cohere().dialect, cohere().url) == ("cohere", "https://api.cohere.ai")


@pytest.mark.parametrize("url", ["https://api.cohere.ai", "https://api.cohere.com/", "https://api.cohere.com/v2"])
def test_other_addresses_of_cohere(url: str) -> None:
    assert (cohere(url).dialect, cohere(url).url) == ("cohere", url.rstrip("/"))


@pytest.mark.parametrize("end", ["", "/"])
def test_the_api_that_is_compatible_with_openai_is_chosen_by_its_address(end: str) -> None:
    chosen = cohere("https://api.cohere.com/compatibility/v1" + end)

    assert (chosen.dialect, chosen.url) == ("openai", "https://api.cohere.com")
