"""What is found out while a request is encoded and does not stand in its body."""

from __future__ import annotations

import dataclasses

from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.kit.legacy import left_out


@dataclasses.dataclass(slots=True)
class Remarks:
    """Collected while one request is encoded."""

    warnings: list[Warning] = dataclasses.field(default_factory=list)
    betas: list[str] = dataclasses.field(default_factory=list)
    """For the header anthropic-beta, in the order they were asked for."""

    def warn(self, field: str, message: str) -> None:
        self.warnings.append(Warning(field=field, message=message))

    def leave_out(self, field: str, why: str) -> None:
        self.warnings.append(left_out(field, why))

    def need_beta(self, name: str) -> None:
        if name not in self.betas:
            self.betas.append(name)
