"""Gateway keys: authentication of callers. Only hashes are stored, and no error message holds a key."""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence

from dragoman.reasons import GatewayError, Reason
from gateway_core.call import ANONYMOUS, Caller
from gateway_core.settings.settings import KeySettings, hash_key

NOBODY = (bytes(32), ANONYMOUS)
"""What an unknown key is compared with: no key has this digest."""


class KeyRing:
    """All gateway keys. Without any, every caller is anonymous."""

    def __init__(self, keys: Iterable[KeySettings]) -> None:
        digests = ((bytes.fromhex(key.hash.removeprefix("sha256:")), Caller(key.name, key.scope)) for key in keys)
        self._owners = {digest: (digest, caller) for digest, caller in digests}

    @property
    def required(self) -> bool:
        """Whether callers need a key."""
        return bool(self._owners)

    def authenticate(self, presented: Sequence[str]) -> Caller:
        """Whose keys these are: the first that is known counts, for clients fill some places with placeholders and with
        providers' keys. Raises GatewayError MISSING_API_KEY or INVALID_API_KEY."""
        if not self._owners:
            return ANONYMOUS
        for key in presented:
            if key and (owner := self._owner_of(key)) is not None:
                return owner
        if not any(presented):
            raise GatewayError(Reason.MISSING_API_KEY, "this gateway needs a key: send it as Authorization: Bearer KEY")
        raise GatewayError(
            Reason.INVALID_API_KEY,
            "the key that was sent is not one of this gateway's; a provider's own key does not open it."
            " Check it, or ask the gateway's operator for one",
        )

    def _owner_of(self, key: str) -> Caller | None:
        """The key is looked up by its digest, which nobody can steer, so the duration says nothing about the keys there
        are."""
        digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
        known, owner = self._owners.get(digest, NOBODY)
        return owner if hmac.compare_digest(known, digest) else None


def create_key() -> tuple[str, str]:
    """A new key of 256 random bits, to be shown once, and its hash as the configuration keeps it."""
    key = "dragoman-" + secrets.token_urlsafe(32)
    return key, hash_key(key)
