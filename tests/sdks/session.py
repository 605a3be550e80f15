"""The whole of it once: a gateway in front of all providers, and every environment's checks run against it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from tests.e2e.gateways import KEY, one_process
from tests.gateway_cli.process import Program
from tests.sdks import environments
from tests.sdks.clients import CLIENTS, SETS, TARGETS
from tests.sdks.document import programs
from tests.sdks.environments import Environment, Unavailable
from tests.sdks.providers import anthropic, gemini, openai
from tests.sdks.providers.answering import REFUSED_MODEL
from tests.sdks.results import Result, run_checks
from tests.upstream import running_upstream

REAL_MODELS = {"openai": "gpt-4o", "anthropic": "claude-sonnet-4-5", "google": "gemini-2.5-flash"}
DEMO_MODELS = {"chat": "demo/echo", "tools": "demo/tools", "refused": "demo/error-400"}
CONFIG = "[retries]\ninitial = 0.01\njitter = 0\n"


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
    """Makes environments on two threads, and runs each one's checks once, when they are first asked for."""

    def __init__(self, gateway: Program) -> None:
        self._gateway = gateway
        self._pool = ThreadPoolExecutor(max_workers=2)
        self._lock = threading.Lock()
        self._results: dict[str, list[Result]] = {}
        self._made: dict[str, Future[Environment]] = {}
        self._made |= {name: self._pool.submit(environments.make_python, name) for name in SETS["python"]}

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)

    def environment(self, name: str) -> Environment:
        """Raises Unavailable."""
        return self._made[name].result()

    def results(self, name: str) -> Sequence[Result]:
        """Of an environment's clients. Raises Unavailable."""
        with self._lock:
            if name not in self._results:
                clients = {client: programs(client) for client in CLIENTS if client.environment == name}
                targets = {target: models_of(target) for target in TARGETS}
                self._results[name] = run_checks(self.environment(name), clients, self._gateway.http, KEY, targets)
            return self._results[name]


__all__ = ["Session", "Unavailable", "running_gateway"]
