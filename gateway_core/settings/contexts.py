"""Contexts as an operator configures them: [contexts.NAME]. Under /NAME/... every API serves one provider or route."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from gateway_core.settings.file import SettingsError, Table

IS_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}").fullmatch
IS_VERSION = re.compile(r"v\d.*", re.IGNORECASE).fullmatch
RESERVED = frozenset(
    {
        *("admin", "api", "audio", "batches", "chat", "completions", "docs", "embeddings", "favicon.ico", "files", "fim"),
        *("health", "healthz", "images", "messages", "metrics", "models", "openai", "openapi.json", "proxy", "readyz"),
        *("rerank", "responses", "robots.txt", "static", "ui", "upload"),
    }
)
"""First segments of paths that the gateway serves itself, or that belong to served APIs; so do v1, v1beta and the like."""
IS_PLACE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}").fullmatch
"""What names a header, a parameter of a query and gRPC metadata alike."""
TAKEN_PLACES = frozenset({"alt", "connection", "content-length", "content-type", "host", "te", "user-agent"})
TAKEN_PREFIXES = ("grpc-", "x-dragoman-", "x-inference-", "x-request-id")


@dataclass(frozen=True, slots=True)
class KeyPlace:
    """Where the clients of a context put the gateway key. Both may be named; either will do."""

    header: str = ""
    """In lower case. gRPC callers send it as metadata of this name."""
    query: str = ""
    """A parameter of the URL's query. gRPC callers send it as metadata of this name in lower case."""
    prefix: str = ""
    """What precedes the key in the header: "Bearer ". Empty: nothing."""

    def keys_in(self, found: Iterable[tuple[str, str]]) -> Iterator[str]:
        """The keys among metadata."""
        for name, value in found:
            if name == self.header and value[: len(self.prefix)].lower() == self.prefix.lower():
                yield value[len(self.prefix) :].strip()
            if name == self.query.lower():
                yield value

    def __str__(self) -> str:
        places = [f"the header {self.header}, as {self.prefix}KEY"] if self.header else []
        return " or ".join([*places, *([f"the URL's query, as {self.query}=KEY"] if self.query else [])])


@dataclass(frozen=True, slots=True)
class ContextSettings:
    """A prefix of paths that is bound to one provider, or to one model or route."""

    name: str
    provider: str = ""
    model: str = ""
    auth: KeyPlace | None = None
    """None: a gateway key counts wherever it is found."""
    place: str = field(default="", compare=False)
    """Where it is configured, for messages."""


def read_contexts(contexts: Table) -> Iterator[ContextSettings]:
    """Raises SettingsError. Whether the provider or model is there is for those who know."""
    for name, table in contexts.tables():
        check_name(name, table)
        provider, model = table.text("provider"), table.text("model")
        auth = read_place(table.table("auth")) if "auth" in table else None
        table.finish()
        if bool(provider) == bool(model):
            raise SettingsError(
                f'{table.place} needs either provider = "NAME", which serves its models,'
                ' or model = "NAME", which serves whatever model is asked for.'
            )
        yield ContextSettings(name, provider, model, auth, table.place)


def check_name(name: str, table: Table) -> None:
    if not IS_NAME(name):
        raise SettingsError(
            f"{table.place}: a context's name is part of a path: it may hold letters, digits, - _ and . only, begins with a"
            " letter or digit, and has at most 63 of them."
        )
    if name.lower() in RESERVED or IS_VERSION(name):
        raise SettingsError(f"{table.place}: the gateway has paths of its own that begin with /{name}; choose another name.")


def read_place(auth: Table) -> KeyPlace:
    header, query, prefix = (auth.text(key) for key in ("header", "query", "prefix"))
    auth.finish()
    if not header and not query:
        raise SettingsError(f'{auth.place} needs header = "NAME" or query = "NAME": where the gateway key stands.')
    for key, name in (("header", header), ("query", query)):
        if name:
            check_place(auth, key, name)
    if prefix and not header:
        raise auth.error("prefix", "stands before the key in a header; name the header too.")
    if not (prefix.isascii() and prefix.isprintable()):
        raise auth.error("prefix", "must be printable ASCII.")
    return KeyPlace(header.lower(), query, prefix)


def check_place(auth: Table, key: str, name: str) -> None:
    taken = name.lower() in TAKEN_PLACES or name.lower().startswith(TAKEN_PREFIXES) or name.lower().endswith("-bin")
    if not IS_PLACE(name) or taken:
        why = "has another meaning already" if taken else "may hold letters, digits, - _ and . only"
        raise auth.error(key, f"is {name!r}, which {why}.")
