"""The gateway that the seeds' programs are run against: contexts as their operator would make them, and local providers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.gateways import KEY, one_process
from tests.gateway_cli.process import Program
from tests.sdks.providers import openai
from tests.sdks.session import PROVIDERS
from tests.upstream import Received, Reply, Upstream, running_upstream

SERVED = {**PROVIDERS, "azure": (openai.serve, ""), "mistral": (openai.serve, "/v1")}
MODELS = {"meta-llama/llama-4-maverick": "openai/llama-4-maverick"}


@dataclass(frozen=True)
class SeedGateway:
    program: Program
    upstreams: Mapping[str, Upstream]
    files: Upstream
    """Serves what the programs show to models by its URL."""

    @property
    def url(self) -> str:
        return self.program.http

    def adapted(self, text: str) -> str:
        """The program with our URLs, key and deployment in place of theirs."""
        for theirs, ours in (
            ("https://<gateway-host>", self.url),
            ("https://api.inference.net", self.url),
            ("https://api.infery.ai", self.url),
            ("http://localhost:8080", self.url),
            ("https://generativelanguage.googleapis.com/v1beta/openai", f"{self.upstreams['openai'].url}/v1"),
            ("https://example.com/video.mp4", f"{self.files.url}/video.mp4"),
            ("https://www.w3.org/WAI/ER/tests/xhtml/testfiles/resources/pdf/", f"{self.files.url}/"),
            ("<your-gateway-api-key>", KEY),
            ("<your-deployment-name>", "my-deployment"),
        ):
            text = text.replace(theirs, ours)
        return text

    @property
    def environ(self) -> Mapping[str, str]:
        """What the programs read from the environment."""
        return {
            "INFERENCE_API_KEY": KEY,
            "INFERY_API_KEY": KEY,
            "OPENROUTER_API_KEY": KEY,
            "OPENROUTER_API_BASE": f"{self.url}/api/v1",
            "OPENAI_API_KEY": "sk-own-openai",
            "ANTHROPIC_API_KEY": "sk-own-anthropic",
            "GEMINI_API_KEY": "sk-own-gemini",
        }

    def keys_sent(self) -> set[str]:
        """What the providers were shown since the last time that this was asked."""
        names = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
        requests = [request for upstream in self.upstreams.values() for request in upstream.requests]
        for upstream in self.upstreams.values():
            upstream.requests.clear()
        return {
            request.headers[name].removeprefix("Bearer ")
            for request in requests
            for name in names
            if name in request.headers
        }


def serve_file(request: Received) -> Reply:
    if request.path.endswith(".pdf"):
        return Reply(headers={"content-type": "application/pdf"}, body=b"%PDF-1.4\n%%EOF\n")
    return Reply(headers={"content-type": "video/mp4"}, body=b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom")


@contextlib.contextmanager
def running_seed_gateway(folder: Path) -> Iterator[SeedGateway]:
    with contextlib.ExitStack() as stack:
        upstreams = {name: stack.enter_context(running_upstream(serve)) for name, (serve, _) in SERVED.items()}
        environ = {"DRAGOMAN_API_KEYS": f"seeds={KEY}", "DRAGOMAN_ALLOW_PRIVATE_URLS": "true"}
        for name, (_, path) in SERVED.items():
            environ |= {
                f"{name.upper()}_API_URL": upstreams[name].url + path,
                f"{name.upper()}_API_KEY": f"operators-{name}",
            }
        contexts = "".join(f'[contexts.for-{name}]\nprovider = "{name}"\n' for name in SERVED)
        facts = "".join(f'[providers.{name}]\ndata_collection = "deny"\n' for name in SERVED)
        models = "".join(
            f'[models."{name}"]\ntargets = [{{ model = "{target}", quantization = "bf16" }}]\n'
            for name, target in MODELS.items()
        )
        config = folder / "dragoman.toml"
        config.write_text(f'[byok]\nurls = ["{upstreams["openai"].url}/"]\n{contexts}{facts}{models}')
        gateway = stack.enter_context(one_process("--config", str(config), environ=environ))
        yield SeedGateway(gateway.programs[0], upstreams, stack.enter_context(running_upstream(serve_file)))
