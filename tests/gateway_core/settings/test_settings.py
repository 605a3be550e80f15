from collections.abc import Mapping
from pathlib import Path

import pytest

from gateway_core.call import KeyScope
from gateway_core.providers.vendors import VENDORS
from gateway_core.routing.resolver import ModelResolver
from gateway_core.settings.providers import IN_PROCESS
from gateway_core.settings.server import Address
from gateway_core.settings.settings import (
    KeySettings,
    LogSettings,
    ModelSettings,
    ProviderSettings,
    RetrySettings,
    Settings,
    SettingsError,
    Timeouts,
    TlsSettings,
    hash_key,
    load,
)
from gateway_dialects.kit.dialect import Secret, Timers

WHOLE = """\
[server]
http = "127.0.0.1:9080"
grpc = "[::1]:9051"
max_body_bytes = 1000
keep_alive = 5
grace = 1.5

[providers.openai]
key = "env:OPENAI_API_KEY"
[providers.groq]
keys = ["env:GROQ_A", "gsk-b"]
[providers.corp]
dialect = "openai"
url = "http://10.0.0.5:8000/v1/"
headers = { X-Team = "env:TEAM" }

[models.fast]
targets = ["groq/llama-3.3-70b-versatile", "openai/gpt-4o-mini"]
[models."gpt-4"]
alias = "fast"

[[keys]]
name = "team-a"
hash = "sha256:2C26B46B68FFC68FF99B453C1D30413413422D706483BFA0F98A5E886266E7AE"

[retries]
attempts = 4
initial = 0.1
longest = 2
jitter = 0
[timeouts]
connect = 1
idle = 2
total = 3
[log]
format = "json"
access = false
[chat]
model = "fast"
"""


def read(tmp_path: Path, text: str, environ: Mapping[str, str] | None = None) -> Settings:
    path = tmp_path / "dragoman.toml"
    path.write_text(text)
    return load(path, environ or {})


def refusal(tmp_path: Path, text: str, environ: Mapping[str, str] | None = None) -> str:
    """What is said about the file, without its folder."""
    with pytest.raises(SettingsError) as caught:
        read(tmp_path, text, environ)
    return str(caught.value).replace(f"{tmp_path}/", "")


def provider(settings: Settings, name: str) -> ProviderSettings:
    return next(provider for provider in settings.providers if provider.name == name)


def test_reads_everything_a_file_can_say(tmp_path: Path) -> None:
    settings = read(tmp_path, WHOLE, {"OPENAI_API_KEY": "sk-a", "GROQ_A": "gsk-a", "TEAM": "blue"})

    assert settings.server.http == Address("127.0.0.1", 9080)
    assert settings.server.grpc == Address("::1", 9051)
    assert (settings.server.max_body_bytes, settings.server.keep_alive, settings.server.grace) == (1000, 5.0, 1.5)
    assert settings.providers == (
        ProviderSettings("openai", "openai", "https://api.openai.com/v1", (Secret("sk-a"),)),
        ProviderSettings("groq", "openai", "https://api.groq.com/openai/v1", (Secret("gsk-a"), Secret("gsk-b"))),
        ProviderSettings("corp", "openai", "http://10.0.0.5:8000/v1", (), {"X-Team": "blue"}),
        ProviderSettings("demo", "openai", "demo://demo", facts=IN_PROCESS),
    )
    assert settings.models == (
        ModelSettings("fast", ("groq/llama-3.3-70b-versatile", "openai/gpt-4o-mini")),
        ModelSettings("gpt-4", alias="fast"),
    )
    assert settings.keys == (KeySettings("team-a", hash_key("foo")),)
    assert settings.retries == RetrySettings(4, 0.1, 2.0, 0.0)
    assert settings.timeouts == Timeouts(connect=1.0, idle=2.0, total=3.0)
    assert settings.log == LogSettings("json", False)
    assert settings.chat.model == "fast"


TIMED = """
[timeouts]
idle = 30
[providers.groq]
key = "k"
timeouts = { idle = 20, first_content = 10 }
[providers.openai]
key = "k"
[models.fast]
targets = [{ model = "groq/a", timeouts = { idle = 5, total = 60 } }, "groq/b", "openai/c"]
timeouts = { first_content = 4 }
"""


def test_timeouts_of_the_environment_a_provider_a_route_and_a_target(tmp_path: Path) -> None:
    environ = {"DRAGOMAN_CONNECT_TIMEOUT": "1.5", "DRAGOMAN_FIRST_EVENT_TIMEOUT": "7", "DRAGOMAN_IDLE_TIMEOUT": "40"}
    settings = read(tmp_path, TIMED, environ)
    resolver = ModelResolver(settings)

    assert settings.timeouts == Timeouts(connect=1.5, first_content=7.0, idle=40.0)
    assert [one.endpoint.timers for one in resolver.resolve("fast").targets] == [
        Timers(connect_s=1.5, headers_s=0.0, first_content_s=4.0, idle_s=5.0, total_s=60.0),
        Timers(connect_s=1.5, headers_s=0.0, first_content_s=4.0, idle_s=20.0, total_s=600.0),
        Timers(connect_s=1.5, headers_s=0.0, first_content_s=4.0, idle_s=40.0, total_s=600.0),
    ]
    timers = resolver.endpoint("groq").timers
    assert timers is not None
    assert (timers.first_content_s, timers.idle_s) == (10.0, 20.0)
    assert resolver.endpoint("openai").timers is None


@pytest.mark.parametrize("text", ["soon", "-1", "inf", "nan"])
def test_a_timeout_of_the_environment_that_is_none(text: str) -> None:
    with pytest.raises(SettingsError, match="DRAGOMAN_IDLE_TIMEOUT must be a number of seconds"):
        load(None, {"DRAGOMAN_IDLE_TIMEOUT": text})


def test_nothing_configured_is_a_demo_on_loopback() -> None:
    settings = load(None, {})

    assert [provider.name for provider in settings.providers] == ["demo"]
    assert str(settings.server.http) == "127.0.0.1:8080"
    assert str(settings.server.grpc) == "127.0.0.1:50051"
    assert settings.server.max_body_bytes == 50 * 1024 * 1024
    settings.check_exposure()


def test_a_key_in_the_environment_enables_its_provider() -> None:
    settings = load(None, {"DEEPSEEK_API_KEY": " sk-d\n", "GROQ_API_KEY": "", "STRIPE_API_KEY": "no"})

    assert settings.providers[0] == ProviderSettings("deepseek", "openai", "https://api.deepseek.com", (Secret("sk-d"),))
    assert len(settings.providers) == 2


def test_a_url_in_the_environment_replaces_the_default_one() -> None:
    environ = {"OPENAI_API_KEY": "k", "OPENAI_API_URL": "http://127.0.0.1:9/v1/"}

    assert provider(load(None, environ), "openai").url == "http://127.0.0.1:9/v1"


def test_a_url_alone_enables_a_provider_where_no_key_is_needed() -> None:
    ollama = {"OLLAMA_API_URL": "http://ollama:8080/v1"}
    own_server = {"OPENAI_API_URL": "http://127.0.0.1:9/v1"}
    only_repeats_the_default = {"GROQ_API_URL": "https://api.groq.com/openai/v1/"}

    settings = load(None, ollama | own_server | only_repeats_the_default)

    assert [provider.name for provider in settings.providers] == ["openai", "ollama", "demo"]
    assert provider(settings, "openai").keys == ()


@pytest.mark.parametrize(
    ("variables", "url"),
    [
        ({"CLOUDFLARE_ACCOUNT_ID": "acc"}, "https://api.cloudflare.com/client/v4/accounts/acc/ai"),
        (
            {"CLOUDFLARE_API_URL": "https://api.cloudflare.com/client/v4/accounts/mine/ai/v1"},
            "https://api.cloudflare.com/client/v4/accounts/mine/ai",
        ),
        ({"CLOUDFLARE_API_URL": "https://proxy/{ACCOUNT_ID}/ai", "CLOUDFLARE_ACCOUNT_ID": "acc"}, "https://proxy/acc/ai"),
    ],
)
def test_an_account_id_becomes_part_of_the_url(variables: dict[str, str], url: str) -> None:
    assert provider(load(None, {"CLOUDFLARE_API_KEY": "k"} | variables), "cloudflare").url == url


def test_a_missing_account_id_is_named() -> None:
    with pytest.raises(SettingsError, match=r"^CLOUDFLARE_API_KEY: .* set CLOUDFLARE_ACCOUNT_ID"):
        load(None, {"CLOUDFLARE_API_KEY": "k"})


def test_file_and_environment_add_up(tmp_path: Path) -> None:
    environ = {"OPENAI_API_KEY": "env-key", "GROQ_API_KEY": "groq-key", "DRAGOMAN_API_KEYS": "b=second-key"}
    text = '[providers.openai]\nurl = "http://127.0.0.1:9/v1"\n[[keys]]\nname = "a"\nkey = "first-key"\n'

    settings = read(tmp_path, text, environ)

    assert provider(settings, "openai").keys == (Secret("env-key"),)
    assert provider(settings, "openai").url == "http://127.0.0.1:9/v1"
    assert provider(settings, "groq").keys == (Secret("groq-key"),)
    assert settings.keys == (KeySettings("a", hash_key("first-key")), KeySettings("b", hash_key("second-key")))


def test_the_environment_names_the_file_and_the_addresses(tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.write_text('[server]\nhttp = "127.0.0.1:1"\n[log]\nformat = "json"\n')

    settings = load(None, {"DRAGOMAN_CONFIG": str(path), "DRAGOMAN_HTTP": "127.0.0.1:2", "DRAGOMAN_GRPC": "localhost:3"})

    assert settings.log.format == "json"
    assert (settings.server.http.port, settings.server.grpc) == (2, Address("localhost", 3))


def test_the_command_line_has_the_last_word_on_addresses() -> None:
    settings = load(None, {"DRAGOMAN_HTTP": "127.0.0.1:2"}).listening(http="127.0.0.1:4", grpc="127.0.0.1:0")

    assert (settings.server.http.port, settings.server.grpc.port) == (4, 0)
    with pytest.raises(SettingsError, match=r"^--http must be HOST:PORT"):
        settings.listening(http="here")


@pytest.mark.parametrize("text", ["8080", "localhost", "localhost:http", "127.0.0.1:70000", "::1:80", "a:٣"])
def test_refuses_what_is_no_address(text: str) -> None:
    with pytest.raises(SettingsError, match=r"^DRAGOMAN_HTTP must be HOST:PORT, like 127\.0\.0\.1:8080"):
        load(None, {"DRAGOMAN_HTTP": text})


def test_gateway_keys_in_the_environment() -> None:
    hashed = hash_key("third")

    padded = "aW4tYmFzZTY0LXdpdGgtcGFkZGluZw="
    text = f"plain-key, team-b=with-name ,{hashed},d={hash_key('fourth')},base64==,{padded}"
    keys = load(None, {"DRAGOMAN_API_KEYS": text}).keys

    assert keys == (
        KeySettings(named_by("plain-key"), hash_key("plain-key")),
        KeySettings("team-b", hash_key("with-name")),
        KeySettings(named_by("third"), hashed),
        KeySettings("d", hash_key("fourth")),
        KeySettings(named_by("base64=="), hash_key("base64==")),
        KeySettings(named_by(padded), hash_key(padded)),
    )


def named_by(key: str) -> str:
    """A name that stays when other keys come and go: what a key stored must not become another's."""
    return f"key-{hash_key(key)[7:15]}"


@pytest.mark.parametrize("text", ["team-a=", "a", "right,team-a=", "team-a=short", "team-a=1234567"])
def test_a_key_that_can_be_guessed_stops_the_start(text: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"a gateway key of \d characters, and 8 are the least"):
        load(None, {"DRAGOMAN_API_KEYS": text})
    key = text.rpartition("=")[2] or "k"
    with pytest.raises(SettingsError, match=r"line 3: keys\.key is a gateway key of \d characters"):
        read(tmp_path, f'[[keys]]\nname = "a"\nkey = "{key}"\n', {})
    with pytest.raises(SettingsError, match="is the hash of an empty key"):
        load(None, {"DRAGOMAN_API_KEYS": f"a={hash_key('')}"})


def test_what_a_key_opens(tmp_path: Path) -> None:
    text = f"""[[keys]]
name = "a"
hash = "{hash_key("long-enough")}"
models = ["openai/gpt-4o*"]
providers = ["openai"]
contexts = ["sales"]
proxy = false
"""
    (key,) = read(tmp_path, text, {}).keys
    assert key.scope == KeyScope(("openai/gpt-4o*",), ("openai",), ("sales",), False)


def test_two_owners_of_one_key_are_refused() -> None:
    with pytest.raises(SettingsError, match="The gateway keys of a and b are the same"):
        load(None, {"DRAGOMAN_API_KEYS": "a=same-key,b=same-key"})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[sever]\n", "line 1: sever is not a table that Dragoman knows. Did you mean server?"),
        ('\n[providers.openai]\nkey = "k"\nkye = "x"\n', "line 4: providers.openai.kye is not a setting"),
        ('providers.openai.kye = "x"\n', "line 1: providers.openai.kye is not a setting"),
        ("[providers.opnai]\n", "line 1: providers.opnai is not a provider that Dragoman knows"),
        ("[providers.opnai]\n", "Did you mean openai?"),
        ('[providers.corp]\nurl = "http://x/v1"\n', "line 1: providers.corp is not a provider"),
        ("[providers.openai]\n", "line 1: providers.openai has no key: set OPENAI_API_KEY"),
        ('[providers.openai]\nkey = "k"\ndialect = "opnai"\n', "line 3: providers.openai.dialect must be one of openai"),
        ('[providers.openai]\nkey = "k"\napis = ["opnai"]\n', "line 3: providers.openai.apis may name openai, "),
        ('[providers.openai]\nkey = "k"\napis = ["opnai"]\n', "not 'opnai'. Did you mean openai?"),
        ('[providers.openai]\nkey = "k"\napis = []\n', "line 3: providers.openai.apis names no API"),
        (
            '[providers.openai]\nkey = "k"\napis = ["openai", "openai"]\n',
            "line 3: providers.openai.apis names an API twice.",
        ),
        (
            '[providers.openai]\nkey = "k"\ndialect = "openai"\napis = ["openai-responses"]\n',
            "line 4: providers.openai.apis begins with openai-responses, and dialect is openai",
        ),
        ('[providers.openai]\nkey = "k"\nkeys = ["k"]\n', "line 3: providers.openai.keys stands beside key"),
        ('[providers]\nopenai = "k"\n', "line 2: providers.openai must be a table"),
        ('[providers."a/b"]\n', 'line 1: providers."a/b": a provider\'s name may hold'),
        ("[providers.cloudflare]\nkey = 'k'\n", "line 1: providers.cloudflare: the URL of cloudflare needs {ACCOUNT_ID}"),
        ('[server]\nhttp = "8080"\n', "line 2: server.http must be HOST:PORT"),
        ('[server]\nmax_body_bytes = "1"\n', "line 2: server.max_body_bytes must be a whole number, not text."),
        ("[server]\nmax_body_bytes = true\n", "line 2: server.max_body_bytes must be a whole number, not true or false."),
        ("[server]\nmax_body_bytes = 0\n", "line 2: server.max_body_bytes must be 1 or more, not 0."),
        ("[timeouts]\nidle = -1\n", "line 2: timeouts.idle must be a number of seconds, 0 or more, not the number -1."),
        ("[timeouts]\nidle = nan\n", "line 2: timeouts.idle must be a number of seconds"),
        ("[retries]\njitter = 2\n", "line 2: retries.jitter must be a number from 0 to 1, not the number 2."),
        ('[breaker]\nall_open = "wait"\n', "line 2: breaker.all_open must be one of least_bad, reject, not 'wait'"),
        ("[breaker]\nrate = 50\n", "line 2: breaker.rate must be a number from 0 to 1"),
        ("[breaker]\nfailures = 0\n", "line 2: breaker.failures must be 1 or more"),
        ("[log]\naccess = 1\n", "line 2: log.access must be true or false, not the number 1."),
        ('[log]\nformat = "jsn"\n', "line 2: log.format must be one of text, json, not 'jsn'. Did you mean json?"),
        ('[models.a]\ntargets = "x/y"\n', "line 2: models.a.targets must be a list of texts"),
        ("[models.a]\n", "line 1: models.a needs either targets"),
        ("[models.a]\ntargets = [{ weight = 2 }]\n", "line 2: models.a.targets.model is missing"),
        ('[models.a]\ntargets = [{ model = "x/y", weight = 0 }]\n', "line 2: models.a.targets.weight must be more than 0"),
        ('[models.a]\ntargets = [{ model = "x/y", weight = "2" }]\n', "line 2: models.a.targets.weight must be a number"),
        ('[models.a]\ntargets = [{ model = "x/y", tier = 1 }]\n', "models.a.targets.tier is not a setting"),
        ('[models.a]\ntargets = [{ model = "x/y", prices = { input = 1 } }]\n', "prices needs input and output"),
        ('[models.a]\ntargets = [{ model = "x/y", quantization = "fp9" }]\n', "quantization must be one of int4"),
        ('[models.a]\ntargets = ["x/y"]\nbalance = "fair"\n', "models.a.balance must be one of ordered, weighted"),
        ('[providers.groq]\ndata_collection = "never"\n', "data_collection must be one of allow, deny"),
        ('[models.a]\nalias = "b"\ntargets = ["c/d"]\n', "line 1: models.a needs either targets"),
        ('keys = "x"\n', "line 1: keys must be an array of tables: [[keys]]."),
        ('[[keys]]\nname = "a"\nkey = "long-enough"\n[[keys]]\nname = "b"\n', "line 4: keys needs either hash"),
        ('[[keys]]\nkey = "k"\n', "line 1: keys needs a name"),
        ('[[keys]]\nname = "a"\nhash = "sha256:12"\n', 'line 3: keys.hash must be "sha256:" and 64 hexadecimal digits'),
        ('[server.grpc_tls]\ncertificate = "no.pem"\n', "line 2: server.grpc_tls.certificate names no.pem"),
        ("[server.grpc_tls]\n", "line 1: server.grpc_tls needs certificate and private_key"),
        ("a = = 1\n", "line 1: Invalid value. This is not TOML"),
        ("[a\n", "line 1: Expected ']' at the end of a table declaration. This is not TOML"),
    ],
)
def test_every_complaint_names_the_line_and_the_key(tmp_path: Path, text: str, message: str) -> None:
    said = refusal(tmp_path, text)

    assert said.startswith("dragoman.toml, line ")
    assert message in said


def test_lines_are_right_behind_texts_and_lists_of_several_lines(tmp_path: Path) -> None:
    text = '''\
[models.a]
targets = [
  "demo/echo", # [providers.x]
  "demo/{slow",
]
[chat]
model = """
[log]
x = 1
"""
[log]
x = 1
'''

    assert refusal(tmp_path, text).startswith("dragoman.toml, line 12: log.x is not a setting")


def test_a_variable_that_is_not_set_is_named_with_its_key(tmp_path: Path) -> None:
    said = refusal(tmp_path, '[providers.openai]\nkey = "env:OPENAI_KEY"\n', {"OPENAI_API_KEY": "secret"})

    assert said.startswith(
        "dragoman.toml, line 2: providers.openai.key reads the environment variable OPENAI_KEY, which is not set"
    )
    assert said.endswith("Did you mean OPENAI_API_KEY?")
    assert "secret" not in said


@pytest.mark.parametrize(
    "url",
    [
        "api.openai.com",
        "ftp://x/v1",
        "http://",
        "http://x:99999",
        "http://u:p@x/v1",
        "http://x/v1?a=b",
        "http://x/chat/completions",
    ],
)
def test_refuses_what_is_no_base_url(tmp_path: Path, url: str) -> None:
    assert "providers.corp.url" in refusal(tmp_path, f'[providers.corp]\ndialect = "openai"\nurl = "{url}"\n')
    with pytest.raises(SettingsError, match=r"^OPENAI_API_URL"):
        load(None, {"OPENAI_API_KEY": "k", "OPENAI_API_URL": url})


def test_a_key_of_several_lines_is_refused_without_showing_it(tmp_path: Path) -> None:
    said = refusal(tmp_path, '[providers.openai]\nkey = "sk-1\\nsk-2"\n')

    assert said.startswith("dragoman.toml, line 2: providers.openai.key holds a character")
    assert "sk-" not in said


def test_no_secret_shows_in_a_repr(tmp_path: Path) -> None:
    text = '[providers.corp]\ndialect="openai"\nurl="http://x/v1"\nkey="sk-hidden"\nheaders={a="sk-hidden"}\n'

    assert "hidden" not in repr(read(tmp_path, text, {"DRAGOMAN_API_KEYS": "sk-hidden"}))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"none\.toml: cannot be read: No such file"):
        load(tmp_path / "none.toml", {})
    path = tmp_path / "latin.toml"
    path.write_bytes(b"# fine\nx = '\xe9'\n")
    with pytest.raises(SettingsError, match=r"latin\.toml, line 2: is not UTF-8"):
        load(path, {})


def test_tls_files_start_at_the_folder_of_the_configuration(tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem", "ca.pem"):
        (tmp_path / name).touch()
    tls = 'certificate = "cert.pem"\nprivate_key = "key.pem"\n'

    server = read(tmp_path, f'[server.grpc_tls]\n{tls}client_ca = "ca.pem"\n[server.http_tls]\n{tls}').server

    assert server.grpc_tls == TlsSettings(tmp_path / "cert.pem", tmp_path / "key.pem", tmp_path / "ca.pem")
    assert server.http_tls == TlsSettings(tmp_path / "cert.pem", tmp_path / "key.pem")


@pytest.mark.parametrize(
    ("address", "loopback"),
    [
        ("127.0.0.1:1", True),
        ("127.1.2.3:1", True),
        ("[::1]:1", True),
        ("localhost:1", True),
        ("0.0.0.0:1", False),
        ("[::]:1", False),
        (":1", False),
        ("10.0.0.1:1", False),
        ("gateway.example.com:1", False),
    ],
)
def test_only_loopback_may_be_served_without_keys(address: str, loopback: bool) -> None:
    without_keys = load(None, {"DRAGOMAN_GRPC": address})
    with_keys = load(None, {"DRAGOMAN_GRPC": address, "DRAGOMAN_API_KEYS": "long-enough"})

    with_keys.check_exposure()
    without_keys.check_exposure(grpc=False)
    if loopback:
        without_keys.check_exposure()
    else:
        with pytest.raises(SettingsError, match=r"^--grpc .* `dragoman keys create NAME`"):
            without_keys.check_exposure()


def test_the_documented_file_is_what_it_says(tmp_path: Path) -> None:
    documented = (Path(__file__).parents[3] / "docs" / "settings.md").read_text()
    example = documented.partition("```toml\n")[2].partition("```")[0]
    keys = {"OPENAI_API_KEY": "k", "GROQ_A": "a", "GROQ_B": "b", "AZURE_API_KEY": "z"}

    settings = read(tmp_path, example, keys)

    default = Settings()
    assert (settings.server, settings.retries, settings.timeouts) == (default.server, default.retries, default.timeouts)
    assert settings.breaker == default.breaker
    assert (settings.log, settings.chat) == (default.log, default.chat)
    assert [provider.name for provider in settings.providers] == ["openai", "groq", "corp", "azure", "demo"]
    for vendor in VENDORS:
        assert f"| `{vendor.name}` | " in documented
        assert vendor.url in documented or vendor.always


AZURE = "https://r.openai.azure.com"


@pytest.mark.parametrize(
    ("environ", "url", "key", "version"),
    [
        ({"AZURE_API_KEY": "k", "AZURE_RESOURCE": "r"}, AZURE, "k", ""),
        ({"AZURE_API_KEY": "k", "AZURE_API_URL": f"{AZURE}/openai/v1/"}, f"{AZURE}/openai/v1", "k", ""),
        (
            {"AZURE_OPENAI_API_KEY": "k", "AZURE_OPENAI_ENDPOINT": f"{AZURE}/", "OPENAI_API_VERSION": "2024-10-21"},
            AZURE,
            "k",
            "2024-10-21",
        ),
        (
            {"AZURE_API_KEY": "a", "AZURE_OPENAI_API_KEY": "b", "AZURE_API_URL": AZURE, "AZURE_API_VERSION": "preview"},
            AZURE,
            "a",
            "preview",
        ),
    ],
)
def test_azure_by_the_names_that_people_know(environ: dict[str, str], url: str, key: str, version: str) -> None:
    [azure] = [provider for provider in load(None, environ).providers if provider.name == "azure"]

    assert azure == ProviderSettings("azure", "azure", url, (Secret(key),), api_version=version)


def test_the_file_names_the_version_of_an_api(tmp_path: Path) -> None:
    own = f'[providers.a]\ndialect = "azure"\nurl = "{AZURE}"\napi_version = "env:V"\ninline_thinking = true\n'
    text = f'{own}[providers.azure]\nurl = "{AZURE}"\n'
    other, known, _ = read(
        tmp_path, text, {"V": "2024-10-21", "AZURE_OPENAI_API_KEY": "k", "OPENAI_API_VERSION": "preview"}
    ).providers

    assert (other.api_version, known.api_version, known.keys) == ("2024-10-21", "preview", (Secret("k"),))
    assert (other.inline_thinking, known.inline_thinking) == (True, False)
    with pytest.raises(SettingsError, match=r"set AZURE_RESOURCE, or give the whole URL in AZURE_API_URL"):
        load(None, {"AZURE_API_KEY": "k"})


def test_a_facade_of_its_own_needs_none_of_the_cores_keys(tmp_path: Path) -> None:
    file = tmp_path / "dragoman.toml"
    file.write_text(
        '[server]\ngrace = 5\n[providers.openai]\nkey = "env:NOT_HERE"\n[models.a]\nalias = "demo/echo"\n'
        '[[keys]]\nname = "a"\nkey = "env:NOT_HERE"\n'
    )

    settings = load(file, {"DRAGOMAN_API_KEYS": "b=secret-key", "DRAGOMAN_HTTP": "127.0.0.1:1"}, core=False)

    assert (settings.server.grace, settings.server.http.port) == (5, 1)
    assert (settings.providers, settings.models, settings.keys) == ((), (), ())
    with pytest.raises(SettingsError, match="NOT_HERE, which is not set"):
        load(file, {})


def test_a_facade_of_its_own_knows_no_other_tables_either(tmp_path: Path) -> None:
    file = tmp_path / "dragoman.toml"
    file.write_text("[provider.openai]\n")

    with pytest.raises(SettingsError, match="Did you mean providers"):
        load(file, {}, core=False)


@pytest.mark.parametrize(
    "origin", ["https://app.example.com/", "app.example.com", "https://App.example.com", "https://*.a.com", ""]
)
def test_an_origin_that_no_browser_sends(tmp_path: Path, origin: str) -> None:
    config = tmp_path / "dragoman.toml"
    config.write_text(f'[server]\ncors_origins = ["{origin}"]\n')
    with pytest.raises(SettingsError, match=r"line 2: server.cors_origins takes origins like"):
        load(config, {})


@pytest.mark.parametrize("origin", ["https://app.example.com", "http://localhost:3000", "http://[::1]:8000", "null", "*"])
def test_origins(tmp_path: Path, origin: str) -> None:
    config = tmp_path / "dragoman.toml"
    config.write_text(f'[server]\ncors_origins = ["{origin}"]\n')
    assert load(config, {}).server.cors_origins == (origin,)
