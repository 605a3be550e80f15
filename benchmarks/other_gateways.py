"""Other gateways that a registry has: each pinned, in a folder of its own under .venv-bench, and set up as its documentation
advises, for the same two models of the same upstream.

In the templates {bin} and {here} are the folders of its programs and of the run, {port} and {upstream} are ports.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import traffic

INSTALLED = Path(__file__).parent.parent / ".venv-bench"


@dataclass(frozen=True, slots=True)
class OtherGateway:
    """How one is installed, started and called."""

    name: str
    package: str
    """With its version, as its registry spells it."""
    command: str
    file: str = ""
    """Its configuration, written to {here}/{name}.yaml or .toml."""
    suffix: str = ".yaml"
    environment: Mapping[str, str] = field(default_factory=dict)
    npm: bool = False
    announces: str = ""
    """What its log has after the port that it chose, if it does."""
    path: str = "/v1/chat/completions"
    model: str = traffic.MODEL
    translated: str = traffic.ANTHROPIC_MODEL
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further ones."""
    translated_headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def bin(self) -> Path:
        home = INSTALLED / self.name.lower()
        return home / "node_modules" / ".bin" if self.npm else home / "bin"

    def is_installed(self) -> bool:
        return self.bin.is_dir()

    def install(self) -> None:
        """Raises CalledProcessError."""
        home = INSTALLED / self.name.lower()
        home.mkdir(parents=True)
        if self.npm:
            subprocess.run(["npm", "install", "--silent", "--prefix", str(home), self.package], check=True)
        else:
            subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
            subprocess.run([str(home / "bin" / "pip"), "install", "--quiet", self.package], check=True)


KEYS = {"OPENAI_API_KEY": "sk-benchmark", "ANTHROPIC_API_KEY": "sk-benchmark"}

TENSORZERO = OtherGateway(
    "TensorZero",
    "tensorzero==2026.6.0",
    """{bin}/python -c "
import signal, tensorzero
gateway = tensorzero._start_http_gateway(
    config_file='{here}/TensorZero.toml', clickhouse_url=None, postgres_url=None, valkey_url=None, async_setup=False)
print(gateway.base_url, flush=True)
signal.pause()" """,
    """
[gateway]
observability.enabled = false
[models.same]
routing = ["openai"]
[models.same.providers.openai]
type = "openai"
model_name = "gpt-4o-mini"
api_base = "http://127.0.0.1:{upstream}/v1/"
[models.translated]
routing = ["anthropic"]
[models.translated.providers.anthropic]
type = "anthropic"
model_name = "claude-sonnet-4-5"
api_base = "http://127.0.0.1:{upstream}/v1/messages"
""",
    environment=KEYS,
    announces="/openai/v1",
    suffix=".toml",
    path="/openai/v1/chat/completions",
    model="tensorzero::model_name::same",
    translated="tensorzero::model_name::translated",
)
"""Its Rust gateway, as its Python package starts it for other clients. Without ClickHouse it records nothing."""

LITELLM = OtherGateway(
    "LiteLLM",
    "litellm[proxy]==1.108.7",
    "{bin}/litellm --config {here}/LiteLLM.yaml --host 127.0.0.1 --port {port} --num_workers 1",
    """
model_list:
  - model_name: gpt-4o-mini
    litellm_params: {{model: openai/gpt-4o-mini, api_base: "http://127.0.0.1:{upstream}/v1", api_key: sk-benchmark}}
  - model_name: claude-sonnet-4-5
    litellm_params: {{model: anthropic/claude-sonnet-4-5, api_base: "http://127.0.0.1:{upstream}", api_key: sk-benchmark}}
""",
    environment={
        "LITELLM_MASTER_KEY": "sk-benchmark",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOG": "ERROR",
    },
)

PORTKEY = OtherGateway(
    "Portkey",
    "@portkey-ai/gateway@1.15.2",
    "{bin}/gateway --port={port} --headless",
    environment={"NODE_ENV": "production", "TRUSTED_CUSTOM_HOSTS": "127.0.0.1"},
    npm=True,
    headers={"x-portkey-provider": "openai", "x-portkey-custom-host": "http://127.0.0.1:{upstream}/v1"},
    translated_headers={"x-portkey-provider": "anthropic", "x-portkey-custom-host": "http://127.0.0.1:{upstream}/v1"},
)

FERROGW = OtherGateway(
    "ferrogw",
    "ferrogw==1.5.10",
    "{bin}/ferrogw serve",
    """
strategy: {{mode: fallback}}
targets: [{{virtual_key: openai}}, {{virtual_key: anthropic}}]
""",
    environment={
        **KEYS,
        "OPENAI_BASE_URL": "http://127.0.0.1:{upstream}/v1",
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:{upstream}",
        "PORT": "{port}",
        "GATEWAY_CONFIG": "{here}/ferrogw.yaml",
        "ALLOW_UNAUTHENTICATED_PROXY": "true",
        "FERRO_MODEL_CATALOG_TIMEOUT": "0",
        "RATE_LIMIT_RPS": "1000000",
        "RATE_LIMIT_BURST": "1000000",
    },
)

ROLTER = OtherGateway(
    "rolter",
    "rolter==0.1.0",
    "{bin}/rolter gateway -c {here}/rolter.toml --host 127.0.0.1 --port {port}",
    """
[[providers]]
name = "openai"
kind = "openai_compatible"
api_base = "http://127.0.0.1:{upstream}"
api_key_env = "OPENAI_API_KEY"
[[providers]]
name = "anthropic"
kind = "anthropic"
api_base = "http://127.0.0.1:{upstream}"
api_key_env = "ANTHROPIC_API_KEY"
allow_custom_api_base = true
[[routes]]
model = "gpt-4o-mini"
[[routes.targets]]
provider = "openai"
model = "gpt-4o-mini"
[[routes]]
model = "claude-sonnet-4-5"
[[routes.targets]]
provider = "anthropic"
model = "claude-sonnet-4-5"
""",
    ".toml",
    KEYS,
)

OTHERS = (TENSORZERO, ROLTER, FERROGW, PORTKEY, LITELLM)
