"""What a call's metadata says."""

from __future__ import annotations

import pytest

from dragoman.metadata import BYOK_NAMES
from gateway_core.call import NO_CREDENTIALS, ByokCredentials, Call
from gateway_core.rpc.servicer import MetadataReader
from gateway_core.settings.contexts import KeyPlace
from gateway_dialects.kit.dialect import Secret

PLACES = {
    "header": KeyPlace("x-token"),
    "prefixed": KeyPlace("authorization", prefix="Token "),
    "query": KeyPlace(query="Secret_Key"),
}
READER = MetadataReader(PLACES)


def test_what_a_client_brings() -> None:
    received = READER.read(
        [
            ("x-dragoman-provider", "openai"),
            ("x-dragoman-provider-url", "https://api.openai.com/v1"),
            ("x-dragoman-provider-api-key", "sk-own"),
            ("x-dragoman-task-id", "task-7"),
            ("x-dragoman-environment", "production"),
        ]
    )
    assert received.byok == ByokCredentials("openai", "https://api.openai.com/v1", Secret("sk-own"))
    call = Call("r1", metadata=received.metadata)
    assert (call.task_id, call.environment) == ("task-7", "production")
    assert received.keys == []


def test_the_other_spelling_does_the_same() -> None:
    for name in BYOK_NAMES:
        assert (
            READER.read([(name, "v")]).byok
            == READER.read([(name.replace("inference", "dragoman"), "v")]).byok
            != NO_CREDENTIALS
        )
    call = Call("r1", metadata=READER.read([("x-inference-task-id", "t"), ("x-inference-environment", "e")]).metadata)
    assert (call.task_id, call.environment) == ("t", "e")


def test_our_own_spelling_counts_before_the_other() -> None:
    for order in (1, -1):
        pairs = [("x-inference-provider", "groq"), ("x-dragoman-provider", "openai"), ("x-inference-provider-api-key", "k")]
        assert READER.read(pairs[::order]).byok == ByokCredentials("openai", key=Secret("k"))
    assert READER.read([("x-dragoman-provider", " "), ("x-inference-provider", "groq")]).byok == ByokCredentials("groq")


def test_a_key_may_follow_bearer() -> None:
    assert READER.read([("x-dragoman-provider-api-key", "Bearer sk-own")]).byok.key == Secret("sk-own")


@pytest.mark.parametrize("value", ["", " "])
def test_what_is_empty_is_not_there(value: str) -> None:
    received = READER.read([(name, value) for name in BYOK_NAMES] + [("x-dragoman-task-id", value)])
    assert received.byok is NO_CREDENTIALS
    assert Call("r1", metadata=received.metadata).tags() == {}


@pytest.mark.parametrize("name", sorted(BYOK_NAMES))
def test_secrets_are_no_part_of_the_metadata(name: str) -> None:
    received = READER.read([(name, "sk-own"), ("x-token", "gateway-key"), ("secret_key", "gateway-key"), ("other", "kept")])
    assert received.metadata == {"other": "kept"}
    assert "sk-own" not in repr(received) or name.endswith("provider")
    assert "gateway-key" not in repr(received)


def test_labels_have_a_bound() -> None:
    call = Call("r1", metadata={"x-dragoman-task-id": "t" * 5000, "x-title": "a" * 5000, "x-dragoman-origin": "o" * 5000})
    assert [len(value) for value in call.tags().values()] == [256] * 3


@pytest.mark.parametrize(
    ("context", "pairs", "keys"),
    [
        ("", [("authorization", "Bearer a"), ("x-api-key", "b"), ("x-token", "c")], ["a", "b"]),
        ("other", [("authorization", "Bearer a"), ("x-token", "c")], ["a"]),
        ("header", [("authorization", "Bearer a"), ("x-api-key", "b"), ("x-token", "c")], ["c"]),
        ("header", [("authorization", "Bearer a")], []),
        ("header", [("x-token", "")], []),
        ("prefixed", [("authorization", "Token a"), ("x-api-key", "b")], ["a"]),
        ("prefixed", [("authorization", "Bearer a")], []),
        ("prefixed", [("authorization", "a")], []),
        ("query", [("secret_key", "a"), ("authorization", "Bearer b")], ["a"]),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_where_a_key_counts(context: str, pairs: list[tuple[str, str]], keys: list[str], first: bool) -> None:
    said = [("x-dragoman-context", context)] if context else []
    received = READER.read([*said, *pairs] if first else [*pairs, *said])
    assert received.keys == keys
    assert received.context == context


def test_binary_metadata_is_nobodys_key() -> None:
    assert READER.read([("x-dragoman-provider-api-key-bin", b"sk"), ("x-token", b"k")]).byok is NO_CREDENTIALS
