import pytest

from dragoman.reasons import GatewayError, Reason
from gateway_core.accounts.keys import KeyRing, create_key
from gateway_core.call import ANONYMOUS
from gateway_core.settings.settings import KeySettings, hash_key, load


def test_a_known_key_names_its_owner() -> None:
    ring = KeyRing([KeySettings("a", hash_key("first")), KeySettings("b", hash_key("second"))])

    assert ring.required
    assert ring.authenticate(["first"]).name == "a"
    assert ring.authenticate(["second"]).name == "b"


def test_without_keys_everyone_is_anonymous() -> None:
    ring = KeyRing([])

    assert not ring.required
    assert ring.authenticate([]) is ANONYMOUS
    assert ring.authenticate(["whatever"]) is ANONYMOUS


@pytest.mark.parametrize("presented", [[], [""], ["", ""]])
def test_a_missing_key_says_how_to_send_one(presented: list[str]) -> None:
    with pytest.raises(GatewayError, match="Authorization: Bearer") as caught:
        KeyRing([KeySettings("a", hash_key("first"))]).authenticate(presented)

    assert caught.value.reason is Reason.MISSING_API_KEY


@pytest.mark.parametrize("presented", ["firs", "first ", "sk-wrong", "\udcff", "ключ", hash_key("first")])
def test_an_unknown_key_is_refused_and_not_repeated(presented: str) -> None:
    with pytest.raises(GatewayError) as caught:
        KeyRing([KeySettings("a", hash_key("first"))]).authenticate([presented])

    assert caught.value.reason is Reason.INVALID_API_KEY
    assert presented not in repr(caught.value)


def test_a_known_key_counts_beside_placeholders_and_keys_of_providers() -> None:
    ring = KeyRing([KeySettings("a", hash_key("first"))])

    assert ring.authenticate(["sk-provider", "", "first"]).name == "a"


def test_a_created_key_opens_the_gateway_whose_configuration_holds_its_hash() -> None:
    key, hashed = create_key()
    ring = KeyRing(load(None, {"DRAGOMAN_API_KEYS": f"new={hashed}"}).keys)

    assert ring.authenticate([key]).name == "new"
    assert create_key()[0] != key
