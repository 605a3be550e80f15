"""What is found out while the messages of a request are encoded and does not stand in them."""

from __future__ import annotations

import dataclasses

from dragoman.v1.routing_pb2 import Warning
from gateway_dialects.kit.json import Json


@dataclasses.dataclass(slots=True)
class Remarks:
    """Collected while one request is encoded."""

    warnings: list[Warning] = dataclasses.field(default_factory=list)
    documents: list[Json] = dataclasses.field(default_factory=list)
    """Text files of the conversation: this dialect has them beside the messages, and cites them."""

    def warn(self, field: str, message: str) -> None:
        self.warnings.append(Warning(field=field, message=message))

    def leave_out(self, field: str, why: str) -> None:
        self.warn(field, f"{field} was left out: {why}")

    def add_document(self, text: str, title: str) -> None:
        """Without an id: the provider makes one that no document of the client's has."""
        self.documents.append({"data": {"title": title, "text": text} if title else {"text": text}})
