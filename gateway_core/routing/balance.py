"""Smooth weighted round robin, as nginx has it: of weights 3 and 1 every fourth call goes to the second, never two in a row.

Source: nginx, ngx_http_upstream_round_robin (the algorithm).
"""

from __future__ import annotations

from collections.abc import Sequence


class RoundRobin:
    """By route and target, how much of its share each was not given yet."""

    def __init__(self) -> None:
        self._owed: dict[tuple[str, str], float] = {}

    def order(self, route: str, shares: Sequence[tuple[str, float]], *, taking: bool = True) -> list[str]:
        """The targets by what they are owed. shares: of those that may be asked now, more than 0. taking: whether this is a
        call, for which the first is asked."""
        total = sum(share for _, share in shares)
        owed = {name: self._owed.get((route, name), 0.0) + share for name, share in shares}
        names = sorted(owed, key=lambda name: -owed[name])
        if taking:
            owed[names[0]] -= total
            self._owed.update(((route, name), left) for name, left in owed.items())
        return names
