"""Vendor: a provider that Dragoman knows by name, one frozen row."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from gateway_dialects.kit.dialect import Quirks

PLAIN = Quirks()
"""No quirks: the common path."""


@dataclass(frozen=True, slots=True)
class Vendor:
    """What an operator need not configure."""

    name: str
    url: str
    """The default base URL. {NAME} is replaced by the environment variable <PROVIDER>_NAME."""
    dialect: str
    quirks: Quirks = PLAIN
    url_suffix: str = ""
    """A path that people write at the end of this vendor's base URL and that the quirks' own paths already hold."""
    url_mark: str = ""
    """How a base URL ends that selects this row, where the vendor has one for each of several APIs."""
    needs_key: bool = True
    always: bool = False
    """Whether it is there without being configured."""
    model_prefixes: tuple[str, ...] = ()
    """How the names of the models begin that this vendor makes: gpt-5 without a provider means OpenAI's."""

    only_models: tuple[str, ...] = ()
    """How the names of the models begin that this API serves. Empty: it serves all of the vendor's."""
    makers_names: bool = False
    """Whether its models are named with those who make them, anthropic/claude-sonnet-4.5, as nobody else's are."""
    more_hosts: tuple[str, ...] = ()
    """Where else it is served than at its URL's host; *.example.com matches all below example.com."""

    key_aliases: tuple[str, ...] = ()
    """Environment variables that people know the key by; read where key_variable is not set, the first one first."""
    url_aliases: tuple[str, ...] = ()
    """The same for url_variable."""
    version_variables: tuple[str, ...] = ()
    """Environment variables for the version of its API, where it has several by date; the first one first."""

    @property
    def key_variable(self) -> str:
        return f"{self.name.upper()}_API_KEY"

    @property
    def url_variable(self) -> str:
        return f"{self.name.upper()}_API_URL"

    def base_url(self, url: str) -> str:
        """The URL that the quirks' paths are appended to."""
        return url.rstrip("/").removesuffix(self.url_suffix)

    def hosts(self) -> tuple[str, ...]:
        """Where it is served on the Internet."""
        parts = urlsplit(self.url)
        own = (parts.netloc,) if parts.scheme == "https" and "{" not in parts.netloc else ()
        return (*own, *self.more_hosts)

    def serves(self, host: str) -> bool:
        return any(host == one or (one.startswith("*.") and host.endswith(one[1:])) for one in self.hosts())

    def claim(self, model: str) -> int:
        """How much of a bare model name this vendor recognises, in characters; 0: it is not one of its own."""
        return max((len(prefix) for prefix in self.model_prefixes if model.startswith(prefix)), default=0)

    def how_to_enable(self) -> str:
        """What an operator does to get this provider, as the end of a sentence."""
        return (
            f"set {self.key_variable if self.needs_key else self.url_variable}, or add [providers.{self.name}] to the config"
        )
