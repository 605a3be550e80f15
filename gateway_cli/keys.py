"""`dragoman keys create NAME`."""

from __future__ import annotations

from gateway_core.accounts.keys import create_key


def create(name: str) -> int:
    key, hashed = create_key()
    print(f"{key}\n")
    print("This is the only time that the key is shown. Give it to its owner, and put its hash into the config:\n")
    print(f'[[keys]]\nname = "{name}"\nhash = "{hashed}"\n')
    print(f"or into the environment: DRAGOMAN_API_KEYS={name}={hashed}")
    return 0
