"""What is forwarded of a proxied request and its answer: the URL below the provider's base URL, and headers both ways.

Headers of the connection, of the gateway and of proxies in front of it are removed; the path is encoded as it came.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from urllib.parse import unquote, unquote_plus

from dragoman.metadata import KEY_NAMES, KEY_PARAMETER
from dragoman.reasons import GatewayError, invalid
from dragoman.v1.proxy_pb2 import HttpHeader
from gateway_core.execution.chain import secrets_of
from gateway_dialects.kit.dialect import Endpoint

is_sendable = re.compile(r"[!-~]*").fullmatch
"""Printable ASCII without the space: all that a request line can hold."""
is_version = re.compile(r"v\d+(?:(?:alpha|beta)\d*)?").fullmatch
is_name = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+").fullmatch
"""RFC 9110, section 5.6.2."""
is_value = re.compile(r"[\t -~\x80-\xff]*").fullmatch
CONNECTION = frozenset(
    {
        *("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"),
        *("proxy-authenticate", "proxy-authorization", "http2-settings"),
    }
)
"""Hop by hop (RFC 9110, section 7.6.1)."""
NOT_SENT = CONNECTION | set(KEY_NAMES) | {"host", "content-length", "expect", "cookie", "cookie2", "forwarded", "x-real-ip"}
NOT_SENT_PREFIXES = ("x-dragoman-", "x-inference-", "x-forwarded-")
NOT_RETURNED = CONNECTION | {"set-cookie", "set-cookie2", "alt-svc", "strict-transport-security"}
"""Of an answer: what belongs to the connection, or would be taken for the gateway's own host."""
NOT_RETURNED_PREFIXES = ("x-dragoman-",)
SHORTEST_SECRET = 8
"""In characters. What is shorter is a placeholder, and may be a word."""
READABLE_ENCODINGS = ("gzip", "x-gzip", "deflate", "identity")
"""Usage is counted in these. What else the client would take is not asked for: it could not be counted."""


def proxy_url(base: str, path: str, query: str, key_parameters: Collection[str] = ()) -> str:
    """base: the provider's base URL. key_parameters: in lower case, where else gateway keys stand in a query. Raises
    GatewayError INVALID_REQUEST for a path that leads out of the base URL, or that no request line can hold."""
    path = path.removeprefix("/")
    check_path(path)
    check_sendable("query", query)
    scheme, _, place = base.partition("://")
    host, *root = place.split("/")
    url = f"{scheme}://{'/'.join((host, *placed(root, path.split('/') if path else [])))}"
    forwarded = without_keys(query, {KEY_PARAMETER, *key_parameters})
    return f"{url}?{forwarded}" if forwarded else url


def check_path(path: str) -> None:
    check_sendable("path", path)
    if "?" in path or "\\" in path:
        raise invalid("path", "path: write the query apart, and %5C for a backslash")
    if "" in path.split("/")[:-1]:
        raise invalid("path", "path: two slashes follow one another; leave one out")
    # A server on the way may decode once more than the next one.
    for decoded in (unquote(path), unquote(unquote(path))):
        if any(segment.partition(";")[0] in (".", "..") for segment in re.split(r"[/\\]", decoded)):
            raise invalid("path", "path: a segment is . or .., which could lead out of the provider's API")


def check_sendable(field: str, text: str) -> None:
    if not is_sendable(text) or "#" in text:
        raise invalid(field, f"{field}: it holds characters that must be percent-encoded")


def placed(root: Sequence[str], path: Sequence[str]) -> Sequence[str]:
    """The path below the root. Clients write what the base URL ends with, or leave it out: it is there once. They also ask
    for another version than the base URL's."""
    for size in range(min(len(root), len(path)), 0, -1):
        if root[-size:] == path[:size]:
            return [*root, *path[size:]]
    if root and path and is_version(root[-1]) and is_version(path[0]):
        return [*root[:-1], *path]
    return [*root, *path]


def without_keys(query: str, names: Collection[str]) -> str:
    return "&".join(piece for piece in query.split("&") if unquote_plus(piece.partition("=")[0]).lower() not in names)


def headers_to_send(
    given: Sequence[HttpHeader], endpoint: Endpoint, own: Mapping[str, str], key_headers: Collection[str] = ()
) -> Mapping[str, str]:
    """own: what the dialect sends to the endpoint, its key included. key_headers: in lower case, where else gateway keys
    stand. The client's headers win over the dialect's defaults, the operator's and the key over the client's. Raises
    GatewayError INVALID_REQUEST naming the header that HTTP cannot carry."""
    client = joined(checked(given))
    dropped = NOT_SENT | named_by(client.get("connection", "")) | frozenset(key_headers)
    passed = {
        name: value for name, value in client.items() if name not in dropped and not name.startswith(NOT_SENT_PREFIXES)
    }
    sent = {name.lower(): value for name, value in own.items()}
    fixed = {name: value for name, value in sent.items() if is_fixed(name, value, endpoint)}
    if "content-type" not in fixed:
        sent.pop("content-type", None)
    encoding = readable_encodings(client.get("accept-encoding", ""))
    return {**sent, **passed, **together(passed, fixed), "accept-encoding": encoding}


def headers_to_return(received: Iterable[tuple[str, str]], endpoint: Endpoint) -> Iterator[HttpHeader]:
    """Of the provider's answer, names in lower case. Our keys are replaced by ***."""
    fields = list(received)
    dropped = NOT_RETURNED.union(*(named_by(value) for name, value in fields if name == "connection"))
    secrets = [secret for secret in secrets_of(endpoint) if len(secret) >= SHORTEST_SECRET]
    for name, value in fields:
        if name not in dropped and not name.startswith(NOT_RETURNED_PREFIXES):
            for secret in secrets:
                value = value.replace(secret, "***")
            yield HttpHeader(name=name, value=value)


def checked(given: Sequence[HttpHeader]) -> Iterator[tuple[str, str]]:
    for index, header in enumerate(given):
        if not is_name(header.name):
            raise invalid(f"headers[{index}].name", f"headers[{index}].name: {header.name[:100]!r} is no header's name")
        yield header.name.lower(), sendable(header, index)


def sendable(header: HttpHeader, index: int) -> str:
    """The transport writes UTF-8."""
    if not is_value(header.value):
        raise unsendable(header, index, "control characters or such beyond ISO 8859-1")
    try:
        return header.value if header.value.isascii() else header.value.encode("latin-1").decode()
    except UnicodeDecodeError:
        raise unsendable(header, index, "bytes that are neither ASCII nor UTF-8") from None


def unsendable(header: HttpHeader, index: int, what: str) -> GatewayError:
    return invalid(f"headers[{index}].value", f"headers[{index}].value: {header.name[:100]} holds {what}")


def joined(fields: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Several fields of one name are one list (RFC 9110, section 5.3)."""
    found: dict[str, str] = {}
    for name, value in fields:
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def named_by(connection: str) -> frozenset[str]:
    """The headers that a Connection header declares to be of the connection alone."""
    return frozenset(name.strip().lower() for name in connection.split(","))


def is_fixed(name: str, value: str, endpoint: Endpoint) -> bool:
    """Whether the operator has set it, or it holds a key."""
    configured = any(name == other.lower() for other in endpoint.headers)
    return configured or any(value.rpartition(" ")[2] == key.reveal() for key in endpoint.keys if key)


def together(client: Mapping[str, str], fixed: Mapping[str, str]) -> Mapping[str, str]:
    """Lists of beta features (anthropic-beta, openai-beta) hold what both ask for."""
    return {
        name: f"{value},{client[name]}" if name.endswith("-beta") and name in client else value
        for name, value in fixed.items()
    }


def readable_encodings(accepted: str) -> str:
    """The client's Accept-Encoding as far as its answer can be counted."""
    readable = [item.strip() for item in accepted.split(",") if item.partition(";")[0].strip().lower() in READABLE_ENCODINGS]
    return ", ".join(readable) or "identity"
