"""Headers of an answer: who gave it, and what could not be done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dragoman.v1.routing_pb2 import RouteTrace, Warning

LONGEST_WARNINGS_HEADER = 2000


def answer_headers(route: RouteTrace, warnings: Iterable[Warning]) -> dict[str, str]:
    return {**route_headers(route), **warning_headers(warnings)}


def route_headers(route: RouteTrace) -> dict[str, str]:
    """Who answered: x-model-used, x-fallback-from, x-dragoman-provider, x-dragoman-attempts; and x-dragoman-call-id."""
    headers = {"x-dragoman-attempts": str(len(route.attempts))}
    if route.call_id:
        headers["x-dragoman-call-id"] = route.call_id
    if route.provider:
        headers["x-dragoman-provider"] = route.provider
        headers["x-model-used"] = f"{route.provider}/{route.model}"
    if route.fallback_from:
        headers["x-fallback-from"] = route.fallback_from
    return headers


def warning_headers(warnings: Iterable[Warning]) -> Mapping[str, str]:
    """x-dragoman-warnings: what was asked for and could not be done, divided by semicolons."""
    texts = [warning_text(warning) for warning in warnings]
    return {"x-dragoman-warnings": "; ".join(texts)[:LONGEST_WARNINGS_HEADER]} if texts else {}


def warning_text(warning: Warning) -> str:
    return f"{warning.provider}: {warning.message}" if warning.provider else warning.message
