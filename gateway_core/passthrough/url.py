"""Where a proxied request goes: the client's path below the provider's base URL and nowhere else, encoded as it came."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from urllib.parse import unquote, unquote_plus

from dragoman.metadata import KEY_PARAMETER
from dragoman.reasons import invalid

is_sendable = re.compile(r"[!-~]*").fullmatch
"""Printable ASCII without the space: all that a request line can hold."""
is_version = re.compile(r"v\d+(?:(?:alpha|beta)\d*)?").fullmatch


def proxy_url(base: str, path: str, query: str, key_parameters: Collection[str] = ()) -> str:
    """base: the provider's base URL. key_parameters: in lower case, where else gateway keys stand in a query. Raises
    GatewayError INVALID_REQUEST for a path that leads out of the base URL, or that no request line can hold."""
    path = path.removeprefix("/")
    check_path(path)
    check_sendable("query", query)
    scheme, _, place = base.partition("://")
    host, *root = place.split("/")
    url = f"{scheme}://{'/'.join((host, *placed(root, path.split('/') if path else [])))}"
    kept = without_keys(query, {KEY_PARAMETER, *key_parameters})
    return f"{url}?{kept}" if kept else url


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
