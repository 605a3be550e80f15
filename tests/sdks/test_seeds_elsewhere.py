"""The seeds' programs that are no Python: TypeScript with Node's SDKs, and requests with curl."""

from __future__ import annotations

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pytest

from tests.e2e.gateways import one_process
from tests.gateway_cli.process import WAIT_S
from tests.sdks.environments import Unavailable, make_node, plain_environment
from tests.sdks.providers import openai
from tests.sdks.python.world import PNG
from tests.sdks.seed_gateway import SeedGateway, running_seed_gateway
from tests.sdks.seeds import SEEDS, commands, read, seeds_absent, typescript
from tests.sdks.session import PROVIDERS
from tests.upstream import Handler, Received, Reply, json_reply, running_upstream

pytestmark = pytest.mark.skipif(not SEEDS.is_dir(), reason=seeds_absent())

FUNCTIONS = {"invokeOpenAIWithTask": "ChatOpenAI", "invokeAnthropicWithTask": "ChatAnthropic"}
"""With a task, and the model that each is for."""
ASK = 'console.log((await model.invoke("Hello, Dragoman!")).text);'


def scripts() -> Iterator[str]:
    """Each model asked, and each function with a task called with the model of its kind."""
    found = [] if seeds_absent() else typescript(read("inference-net-langchain.txt"))
    models = [text for text in found if "const model" in text]
    for text in models:
        yield f"{text}\n{ASK}\n"
    for name, kind in FUNCTIONS.items():
        (function,) = (text for text in found if f"function {name}" in text)
        model = next(text for text in models if f"new {kind}" in text)
        call = f'console.log((await {name}(model, "Hello, Dragoman!", "task-of-{kind}")).text);'
        yield "\n".join([model, function.partition("\n\n")[2], call])


SCRIPTS = [] if seeds_absent() else list(scripts())
CURLS = [] if seeds_absent() else commands(read("inference-gateway-providers.txt"))
VENDORS = ("openai", "deepseek", "cohere", "groq", "cloudflare", "ollama", "ollama_cloud", "mistral", "moonshot", "google")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeedGateway]:
    with running_seed_gateway(tmp_path_factory.mktemp("seeds")) as running:
        yield running


@pytest.mark.parametrize("number", range(len(SCRIPTS)))
def test_typescript(gateway: SeedGateway, number: int) -> None:
    try:
        node = make_node()
    except Unavailable as reason:
        pytest.skip(str(reason))
    file = node.folder / f"seed-{number}.mts"
    file.write_text(gateway.adapted(SCRIPTS[number]))
    command = [node.command[0], "--experimental-strip-types", "--no-warnings", str(file)]

    ended = subprocess.run(
        command, env=plain_environment(gateway.environ), capture_output=True, text=True, timeout=WAIT_S, check=False
    )

    assert (ended.stdout.strip(), ended.returncode) == ("Hello, Dragoman!", 0), ended.stderr
    for task in re.findall(r"task-of-\w+", SCRIPTS[number]):
        gateway.program.errors.wait_for(f" task_id={task} ")


def cards(serve: Handler) -> Handler:
    """Such a provider, which also lists a model."""

    def answer(request: Received) -> Reply:
        if request.method == "GET":
            return json_reply(
                {"object": "list", "data": [{"id": "m-1", "object": "model", "type": "model"}], "has_more": False}
            )
        return serve(request)

    return answer


def picture(request: Received) -> Reply:
    return Reply(headers={"content-type": "image/png"}, body=base64.b64decode(PNG))


@pytest.fixture(scope="module")
def open_gateway() -> Iterator[Mapping[str, str]]:
    """Without keys, as the document has it, and with every provider that it names: its URLs, and ours in their place."""
    with ExitStack() as stack:
        plain = stack.enter_context(running_upstream(cards(openai.serve)))
        anthropic = stack.enter_context(running_upstream(cards(PROVIDERS["anthropic"][0])))
        files = stack.enter_context(running_upstream(picture))
        environ = {
            "ANTHROPIC_API_URL": f"{anthropic.url}/v1",
            "ANTHROPIC_API_KEY": "k",
            "DRAGOMAN_ALLOW_PRIVATE_URLS": "true",
        }
        for name in VENDORS:
            path = {"google": "/v1beta/openai", "cohere": "/compatibility/v1"}.get(name, "/v1")
            environ |= {f"{name.upper()}_API_URL": plain.url + path, f"{name.upper()}_API_KEY": "k"}
        running = stack.enter_context(one_process(environ=environ))
        yield {"http://localhost:8080": running.http, "https://example.com": files.url}


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("number", range(len(CURLS)))
def test_curl(open_gateway: Mapping[str, str], number: int) -> None:
    command = CURLS[number]
    for theirs, ours in open_gateway.items():
        command = command.replace(theirs, ours)

    ended = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=WAIT_S, check=False)

    answer = json.loads(ended.stdout)
    if "/chat/completions" in command:
        asked = json.loads(command[command.index("'{") + 1 : command.rindex("'")])["messages"][-1]["content"]
        said = asked if isinstance(asked, str) else asked[0]["text"]
        assert said in answer["choices"][0]["message"]["content"], answer
    else:
        assert any("m-1" in card["id"] for card in answer["data"]), answer


def test_all_of_them_were_found() -> None:
    assert len(SCRIPTS) == 6
    assert len(CURLS) == 16
