"""The model's turn: one message, however many Contents and pieces of text its client keeps it in.

Clients that stream keep every chunk of an answer as a Content of its own. Other providers would take that for many answers,
or for paragraphs, so adjacent pieces are joined; the note "$pieces" ([[{"$length": ..., fields}, ...] for each Content])
gives a provider of this dialect its own form back.
"""

from __future__ import annotations

from dragoman.v1.content_pb2 import Message, Part
from gateway_dialects.gemini.server.details import DIALECT, details_of, set_details
from gateway_dialects.gemini.server.parts import SIGNATURE
from gateway_dialects.gemini.server.seals import opened, restore
from gateway_dialects.kit.carried_state import CarriedState
from gateway_dialects.kit.json import Json
from gateway_dialects.kit.legacy import without_notes

Pieces = list[list[Json]]


class Run:
    """Adjacent pieces of words, or of thoughts, that become one part."""

    __slots__ = ("kind", "part", "pieces", "texts")

    def __init__(self, part: Part, kind: str) -> None:
        self.part = part
        self.kind = kind
        self.texts = [words_of(part)]
        self.pieces: Pieces = [[piece_of(part)]]

    def add(self, part: Part, starts_content: bool) -> None:
        self.texts.append(words_of(part))
        if starts_content:
            self.pieces.append([])
        self.pieces[-1].append(piece_of(part))

    def close(self) -> None:
        if len(self.texts) < 2:
            return
        whole = "".join(self.texts)
        if self.kind == "text":
            self.part.text = whole
        else:
            self.part.reasoning.text = whole
        known = details_of(self.part.provider_details_json)
        notes = {name: value for name, value in known.items() if name.startswith("$")}
        set_details(self.part, {**notes, "$pieces": self.pieces})


class ModelTurn:
    """Puts the parts of a turn together. Finish it with close."""

    def __init__(self, message: Message) -> None:
        self.message = message
        self._run: Run | None = None

    def add(self, part: Part, starts_content: bool) -> None:
        if self._takes_seal(part):
            return
        kind = kind_of_run(part)
        if self._run is not None and kind == self._run.kind:
            self._run.add(part, starts_content)
            return
        self.close()
        if starts_content:
            set_details(part, {**details_of(part.provider_details_json), "$content": "new"})
        self.message.parts.append(part)
        if kind:
            self._run = Run(self.message.parts[-1], kind)

    def close(self) -> None:
        if self._run is not None:
            self._run.close()
            self._run = None

    def _takes_seal(self, part: Part) -> bool:
        """Whether the part only brought the seal of thoughts that are here already. Another provider's seal stays nowhere
        else: Gemini must not see it."""
        if DIALECT not in part.provider_details_json:
            return False
        details = details_of(part.provider_details_json)
        signature = details.get(SIGNATURE)
        seal = opened(signature) if isinstance(signature, str) else None
        if seal is None:
            return False
        del details[SIGNATURE]
        is_thought = part.WhichOneof("kind") == "reasoning"
        set_details(part, details or ({"$thought": True} if is_thought else {}))
        if is_thought and seal.length == len(part.reasoning.text):
            restore(part, seal)
            return False
        return is_thought and not part.reasoning.text and self._seal_last_thoughts(seal)

    def _seal_last_thoughts(self, seal: CarriedState) -> bool:
        if self._run is not None and self._run.kind == "reasoning":
            self.close()
        for part in reversed(self.message.parts):
            if kind_of_run(part) == "reasoning":
                if len(part.reasoning.text) == seal.length:
                    restore(part, seal)
                return True
        return True


def kind_of_run(part: Part) -> str:
    """What kind of run the part can be in; empty: none."""
    match part.WhichOneof("kind"):
        case "text":
            return "text"
        case "reasoning" if DIALECT in part.provider_details_json:
            return "reasoning"
        case _:
            return ""


def words_of(part: Part) -> str:
    return part.text or part.reasoning.text


def piece_of(part: Part) -> Json:
    return {**without_notes(details_of(part.provider_details_json)), "$length": len(words_of(part))}
