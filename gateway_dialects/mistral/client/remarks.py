"""What is found out while a request is encoded and does not stand in its body."""

from __future__ import annotations

import dataclasses

from dragoman.v1.routing_pb2 import Warning


@dataclasses.dataclass(slots=True)
class Remarks:
    """Collected while one request is encoded."""

    warnings: list[Warning] = dataclasses.field(default_factory=list)

    def leave_out(self, field: str, why: str = "Mistral does not know it") -> None:
        self.warnings.append(Warning(field=field, message=f"{field} was left out: {why}"))
