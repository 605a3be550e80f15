"""The whole of it once: a gateway in front of all providers, and every environment's checks run against it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from tests.e2e.gateways import KEY, one_process
from tests.gateway_cli.process import Program
from tests.sdks.clients import CLIENTS, PYTHON_ENVIRONMENTS, TARGETS
from tests.sdks.document import programs
from tests.sdks.environments import Environment, make_node, make_python
from tests.sdks.providers import anthropic, gemini, openai
from tests.sdks.providers.answering import REFUSED_MODEL
from tests.sdks.results import Result, run_checks
from tests.upstream import Handler, running_upstream

REAL_MODELS = {"openai": "gpt-4o", "anthropic": "claude-sonnet-4-5", "google": "gemini-2.5-flash"}
PROVIDERS: Mapping[str, tuple[Handler, str]] = {
    "openai": (openai.serve, "/v1"),
    "anthropic": (anthropic.serve, "/v1"),
    "google": (gemini.serve, "/v1beta"),
}
DEMO_MODELS = {"chat": "demo/echo", "tools": "demo/tools", "refused": "demo/error-400", "scripted": "demo/script"}
MAKERS: Mapping[str, Callable[[], Environment]] = {
    **{name: partial(make_python, name) for name in PYTHON_ENVIRONMENTS},
    "node": make_node,
}
"""Each raises Unavailable where it cannot."""
CONFIG = "[retries]\ninitial = 0.01\njitter = 0\n[server]\nwrong_keys_per_minute = 0\n"


def models_of(target: str) -> dict[str, str]:
    if target == "demo":
        return DEMO_MODELS
    real = f"{target}/{REAL_MODELS[target]}"
    return {"chat": real, "tools": real, "refused": f"{target}/{REFUSED_MODEL}"}


@contextlib.contextmanager
def running_gateway(folder: Path) -> Iterator[Program]:
    """With a key, the demo provider, and a provider of each dialect."""
    config = folder / "dragoman.toml"
    config.write_text(CONFIG)
    with contextlib.ExitStack() as stack:
        environ = {"DRAGOMAN_API_KEYS": f"tests={KEY}"}
        for name, provider, path in (
            ("openai", openai, "/v1"),
            ("anthropic", anthropic, "/v1"),
            ("google", gemini, "/v1beta"),
        ):
            upstream = stack.enter_context(running_upstream(provider.serve))
            environ |= {f"{name.upper()}_API_URL": upstream.url + path, f"{name.upper()}_API_KEY": f"key-of-{name}"}
        gateway = stack.enter_context(one_process("--config", str(config), environ=environ))
        yield gateway.programs[0]


class Session:
    """Makes environments and runs the checks of each, two at a time."""

    def __init__(self, gateway: Program) -> None:
        self.gateway = gateway
        self._pool = ThreadPoolExecutor(max_workers=2)
        self._results = {name: self._pool.submit(self._run, name) for name in MAKERS}

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def environment(self, name: str) -> Environment:
        """Raises Unavailable."""
        self.results(name)
        return MAKERS[name]()

    def results(self, name: str) -> Sequence[Result]:
        """Of an environment's clients. Raises Unavailable."""
        return self._results[name].result()

    def _run(self, name: str) -> Sequence[Result]:
        clients = {client: programs(client) for client in CLIENTS if client.environment == name}
        targets = {target: models_of(target) for target in TARGETS}
        return run_checks(MAKERS[name](), clients, self.gateway.http, KEY, targets)
