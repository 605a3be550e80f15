"""The router: finds the endpoint of a path, and the API that a request belongs to. Its table is derived from the records."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from dragoman.client_address import source_of
from dragoman.reasons import GatewayError, Reason
from http_facade.admission import Admission
from http_facade.api import Api, Endpoint
from http_facade.core import Core
from http_facade.endpoints import Health, Readiness
from http_facade.exchange import Exchange

PARAMETER = re.compile(r"\{([^:}]+)(?::([^}]+))?\}")
"""{name}, {name:path} or {name:a|b}."""
CONTEXT_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}"
PROXIED = "proxy"
LONGEST_PREFIX = 6
"""How many segments of a path are looked at for versions: those before what a client asks for."""
is_version = re.compile(r"v\d+(?:(?:alpha|beta)\d*)?").fullmatch


class Path:
    """One path: by HTTP method, the endpoint of each API that has it."""

    def __init__(self, endpoints: Mapping[str, Mapping[Api, Endpoint]], admission: Admission | None = None) -> None:
        """HEAD is answered like GET. admission: None lets everybody in."""
        self._admission = admission
        self.methods = {**endpoints, **({"HEAD": endpoints["GET"]} if "GET" in endpoints else {})}

    async def __call__(self, exchange: Exchange) -> None:
        endpoints = self.methods.get(exchange.scope["method"])
        if endpoints is None:
            exchange.api = detected(exchange, [api for endpoints in self.methods.values() for api in endpoints])
            raise upgrade_required(exchange) if asks_for_socket(exchange) else not_allowed(exchange, self.methods)
        exchange.api = api = detected(exchange, endpoints)
        if self._admission is None:
            await endpoints[api](exchange)
            return
        running, source = self._admission.in_flight, source_of(exchange.client)
        running.enter(source)
        try:
            await self._admission.admit(exchange)
            if api.detect is None and len(endpoints) > 1:
                found = await exchange.parsed(lambda _, body: detected_by_body(body, endpoints))
                exchange.api = api = found or api
            await endpoints[api](exchange)
        finally:
            running.leave(source)


def detected(exchange: Exchange, apis: Iterable[Api]) -> Api:
    """The first that recognises its client by the head; otherwise the first that takes everybody."""
    fallback: Api | None = None
    for api in apis:
        if api.detect is None:
            fallback = fallback or api
        elif api.detect(exchange):
            return api
    return fallback or next(iter(apis))


def detected_by_body(body: bytes, apis: Iterable[Api]) -> Api | None:
    for api in apis:
        if api.detect_body is not None and api.detect_body(body):
            return api
    return None


class Pattern(NamedTuple):
    """A path with parameters."""

    regex: re.Pattern[str]
    names: Sequence[str]
    path: Path


class Router:
    """One for a process. The paths of the APIs, and those of the process's health."""

    def __init__(self, core: Core, admission: Admission, readiness: Readiness | None, apis: Sequence[Api]) -> None:
        """apis: those that come first take precedence where several recognise a client; the first one's error format is
        used where none does."""
        self._apis = apis
        paths = {path: Path(endpoints, admission) for path, endpoints in table_of(core, apis).items()}
        self._plain = {path: served for path, served in paths.items() if "{" not in path}
        patterns = sorted(paths.keys() - self._plain.keys(), key=specificity)
        self._patterns = [Pattern(*compiled(path), paths[path]) for path in patterns]
        self._health = {
            "/healthz": Path({"GET": {apis[0]: Health(None)}}),
            "/readyz": Path({"GET": {apis[0]: Health(readiness)}}),
        }
        self._is_context = context_names(apis)
        self._not_found = f"Served here: {', '.join(first_paths(apis))}."

    async def __call__(self, exchange: Exchange) -> None:
        path = self.find(exchange)
        if path is None:
            exchange.api = detected(exchange, self._apis)
            message = f"There is nothing at {exchange.scope['path']}. {self._not_found}"
            raise GatewayError(Reason.INVALID_REQUEST, message, code="unknown_url", status=404)
        await path(exchange)

    def find(self, exchange: Exchange) -> Path | None:
        """What serves the path; sets the exchange's context and parameters."""
        if exchange.path not in self._plain:
            exchange.path = corrected(exchange.path)
        return self._find(exchange) or self._health.get(exchange.path) or self._find_in_context(exchange)

    def _find(self, exchange: Exchange) -> Path | None:
        """The path without parameters, else the most specific pattern that has the method, else the most specific."""
        if (plain := self._plain.get(exchange.path)) is not None:
            return plain
        first: Path | None = None
        for regex, names, path in self._patterns:
            if found := regex.fullmatch(exchange.path):
                if exchange.scope["method"] in path.methods:
                    exchange.path_params = dict(zip(names, found.groups(), strict=True))
                    return path
                first = first or path
        return first

    def _find_in_context(self, exchange: Exchange) -> Path | None:
        """The same paths once more below a context's name. The core knows which contexts there are."""
        name, slash, rest = exchange.path[1:].partition("/")
        if not slash or not self._is_context(name):
            return None
        exchange.context, exchange.path = name, slash + rest
        return self._find(exchange)


def corrected(path: str) -> str:
    """The path without what clients add by mistake: slashes twice, and a version before the one that their own path has
    (/v1/v1/messages, /v1beta/v1beta/models). What is passed to a provider stays as it is."""
    path = "/" + path.lstrip("/")
    if PROXIED in path.split("/", 3)[1:3]:
        return path
    segments = re.sub("/{2,}", "/", path).split("/")
    for at in range(min(LONGEST_PREFIX, len(segments) - 1) - 1, 0, -1):
        if is_version(segments[at]) and is_version(segments[at + 1]):
            del segments[at]
    return "/".join(segments)


def table_of(core: Core, apis: Iterable[Api]) -> Mapping[str, Mapping[str, Mapping[Api, Endpoint]]]:
    """By path and HTTP method: those who serve it."""
    table: dict[str, dict[str, dict[Api, Endpoint]]] = {}
    for api in apis:
        for path, method, factory in api.routes():
            table.setdefault(path, {}).setdefault(method, {}).setdefault(api, factory(core, api))
    return table


def compiled(path: str) -> tuple[re.Pattern[str], Sequence[str]]:
    """A pattern's expression, one group for each parameter, and the parameters' names."""
    regex, end = "", 0
    names: list[str] = []
    for found in PARAMETER.finditer(path):
        name, kind = found.groups()
        names.append(name)
        regex += re.escape(path[end : found.start()]) + f"({'[^/]+' if kind is None else '.*' if kind == 'path' else kind})"
        end = found.end()
    return re.compile(regex + re.escape(path[end:]), re.DOTALL), names


def specificity(path: str) -> tuple[int, int, str]:
    """For sorting: the path with the longer literal beginning comes first, then the longer one."""
    return -path.index("{"), -len(path), path


def not_allowed(exchange: Exchange, methods: Iterable[str]) -> GatewayError:
    scope, allowed = exchange.scope, ", ".join(methods)
    message = f"{scope['method']} is not allowed on {scope['path']}; use {allowed}."
    return GatewayError(Reason.INVALID_REQUEST, message, code="method_not_allowed", headers={"allow": allowed}, status=405)


def asks_for_socket(exchange: Exchange) -> bool:
    """Whether the client wants to speak another protocol at the path: Codex opens a WebSocket at /v1/responses."""
    return exchange.scope["method"] == "GET" and b"upgrade" in exchange.headers


def upgrade_required(exchange: Exchange) -> GatewayError:
    """426, by which clients know that they are to ask over HTTP at once; 405 they try again. It names the protocol that is
    spoken here (RFC 9110, section 15.5.22)."""
    message = (
        f"{exchange.scope['path']} is served over HTTP alone: send the request with POST instead of opening a WebSocket."
    )
    headers = {"upgrade": "HTTP/1.1", "connection": "upgrade"}
    return GatewayError(Reason.INVALID_REQUEST, message, code="upgrade_required", headers=headers, status=426)


def reserved_segments(apis: Iterable[Api]) -> frozenset[str]:
    """The first segments below which the gateway serves something itself: no context has such a name."""
    segments = (path[1:].partition("/") for api in apis for path in api.paths())
    return frozenset(first for first, slash, _ in segments if slash)


def context_names(apis: Iterable[Api]) -> Callable[[str], re.Match[str] | None]:
    """Whether a first segment may be a context's. Versions never are: who asks for /v1/v1/messages made a mistake."""
    reserved = "|".join(map(re.escape, sorted(reserved_segments(apis))))
    return re.compile(rf"(?!(?:v\d.*|{reserved})$){CONTEXT_NAME}").fullmatch


def first_paths(apis: Iterable[Api]) -> Iterator[str]:
    """For each API the first of its paths that no API before it has."""
    seen: set[str] = set()
    for api in apis:
        paths = shown_paths(api)
        yield from [path for path in paths if path not in seen][:1]
        seen.update(paths)


def shown_paths(api: Api) -> list[str]:
    """Its paths for people: /v1beta/models/MODEL:generateContent. Those with an expression of another kind only refuse."""
    return [path for pattern in api.paths() if "[" not in pattern for path in shown(pattern)]


def shown(pattern: str) -> list[str]:
    """One for each alternative of a parameter; other parameters in capitals."""
    found = PARAMETER.search(pattern)
    if found is None:
        return [pattern]
    name, kind = found.groups()
    values = [name.upper()] if kind in (None, "path") else kind.split("|")
    return [path for value in values for path in shown(pattern[: found.start()] + value + pattern[found.end() :])]
