"""Fields of an assistant message that vendors write, clients keep and give back, and vendors read again: reasoning_details,
annotations, and the signatures in extra_content.

Sources: https://openrouter.ai/docs (reasoning tokens, web search), https://platform.openai.com/docs/api-reference/chat/object,
https://ai.google.dev/gemini-api/docs/openai (thought signatures).
"""

from collections.abc import Iterable, Sequence
from typing import Any

from dragoman.v1.content_pb2 import Citation, Part, Reasoning, ToolCall
from gateway_dialects.kit.json import Json, json_text, object_at, set_form, text_of, without_halves
from gateway_dialects.openai import words

ITEM_FORM = ("type", "format", "index")
ITEM_TYPED = frozenset({"text", "summary", "signature", "data"})


def reasoning_of_item(item: Json, strings: Sequence[str] = ()) -> Part:
    """The part of an item. strings: the message's fields that repeat the texts of all items."""
    is_summary = isinstance(item.get("summary"), str)
    form = text_of(item.get("format"))
    reasoning = Reasoning(
        text=text_of(item.get("summary") if is_summary else item.get("text")),
        signature=text_of(item.get("signature")),
        encrypted=text_of(item.get("data")),
        provider=words.REASONING_PROVIDERS.get(form, form),
        summary=is_summary,
        id=text_of(item.get("id")),
    )
    part = Part(reasoning=reasoning)
    rest = {name: value for name, value in item.items() if name not in ITEM_TYPED}
    if reasoning.id:
        del rest["id"]
    form_fields = {name: rest.pop(name) for name in ITEM_FORM if name in rest}
    set_form(part, words.DIALECT, words.PartForm(strings=tuple(strings), item=form_fields))
    words.set_details(part, rest)
    return part


def is_detailed(reasoning: Reasoning) -> bool:
    """Whether it has what a string field cannot hold, or may get it while it streams."""
    return bool(reasoning.signature or reasoning.encrypted or reasoning.id or reasoning.provider in words.REASONING_FORMATS)


def item_head(part: Part, form: words.PartForm, index: int) -> Json:
    """The fields of a reasoning part's items beside text, signature and data. index: among the message's reasoning."""
    reasoning = part.reasoning
    head: Json
    if form.item is not None:
        head = {**form.item, **words.details_of(part)}
    else:
        is_encrypted = reasoning.encrypted and not reasoning.text
        kind = "reasoning.encrypted" if is_encrypted else "reasoning.summary" if reasoning.summary else "reasoning.text"
        head = {"type": kind, "format": format_of(reasoning.provider), "index": index}
    if reasoning.id:
        head["id"] = reasoning.id
    return head


def format_of(provider: str) -> str:
    return words.REASONING_FORMATS.get(provider, provider) or words.UNKNOWN_FORMAT


def items_of_reasoning(reasoning: Reasoning, head: Json) -> list[Json]:
    """Text and encrypted content are items of their own, each of its type, with the same other fields."""
    items = []
    if reasoning.text or not reasoning.encrypted:
        items.append({**head, "summary" if reasoning.summary else "text": reasoning.text})
    if reasoning.encrypted:
        items.append(encrypted_item(head, reasoning.encrypted))
    if reasoning.signature:
        items[-1]["signature"] = reasoning.signature
    return items


def encrypted_item(head: Json, data: str) -> Json:
    kind = {"type": "reasoning.encrypted"} if head.get("type") in ("reasoning.text", "reasoning.summary") else {}
    return {**head, **kind, "data": data}


def tool_call_object(call: ToolCall, extra: Json) -> Json:
    """extra: what the contract does not name, beside and inside the object that is named like the call's type."""
    kind = "custom" if call.HasField("input") else "function"
    written = {"input": call.input} if kind == "custom" else {"arguments": without_halves(call.arguments_json)}
    return {"id": call.id, "type": kind, **extra, kind: {"name": call.name, **written, **object_at(extra, kind)}}


def signature_item(part: Part, form: Json) -> Json:
    """The item that carries Gemini's signature of a tool call. form: its type, format and index."""
    return {**form, "id": part.tool_call.id, "data": part.signature.value}


# Annotations.


def citation_of(annotation: Any) -> Citation | None:
    """None for an annotation that is no citation. Its offsets count over all text of the message."""
    match annotation:
        case {"type": "url_citation" | "file_citation" as kind} if isinstance(cited := annotation.get(kind), dict):
            pass
        case _:
            return None
    citation = Citation(
        uri=text_of(cited.get("url")),
        title=text_of(cited.get("title")) or text_of(cited.get("filename")),
        cited_text=text_of(cited.get("content")),
        source_id=text_of(cited.get("file_id")),
    )
    start, end = cited.get("start_index"), cited.get("end_index")
    if type(start) is int and type(end) is int and 0 <= start < end < 2**31:
        citation.start_index, citation.end_index = start, end
    citation.provider_details_json[words.DIALECT] = json_text(annotation)
    return citation


def take_citations(parts: Iterable[Part], fields: Json) -> None:
    """Take the citations out of the annotations of a message, and add each to the text that it is about. Other annotations
    stay, and all of them where there is no text."""
    if not isinstance(annotations := fields.get("annotations"), list):
        return
    if not (texts := [part for part in parts if part.HasField("text")]):
        return
    rest = []
    for annotation in annotations:
        if (citation := citation_of(annotation)) is None:
            rest.append(annotation)
        else:
            add_citation(texts, citation)
    if rest:
        fields["annotations"] = rest
    else:
        del fields["annotations"]


def add_citation(texts: Sequence[Part], citation: Citation) -> None:
    """citation: its offsets count over all of the texts."""
    base = 0
    for part in texts:
        if citation.start_index < base + len(part.text):
            break
        base += len(part.text)
    else:
        base -= len(part.text)
    if citation.HasField("start_index"):
        citation.start_index -= base
        citation.end_index -= base
    part.citations.append(citation)


def annotation_of(citation: Citation, base: int, length: int) -> Json:
    """A citation as this dialect wrote it, or would. base: where its part begins in the text of the message. length: of the
    part, in characters."""
    if own := words.details_of(citation):
        return own
    start, end = (citation.start_index, citation.end_index) if citation.HasField("start_index") else (0, length)
    places = {"start_index": base + start, "end_index": base + end}
    if citation.uri:
        return {"type": "url_citation", "url_citation": {"url": citation.uri, "title": citation.title, **places}}
    named = {"file_id": citation.source_id, "filename": citation.title}
    cited = {name: value for name, value in named.items() if value}
    return {"type": "file_citation", "file_citation": {**cited, **places}}


# Gemini's signatures, where Google's compatible API writes them.

SIGNER = "gemini"
SIGNED_FORMAT = words.REASONING_FORMATS[SIGNER]


def take_signature(fields: Json) -> str:
    """Take Gemini's signature out of the extra_content of a message, delta or tool call. Empty: there is none."""
    extra = object_at(fields, "extra_content")
    google = object_at(extra, "google")
    if not (signature := text_of(google.get("thought_signature"))):
        return ""
    rest = {name: value for name, value in extra.items() if name != "google"}
    if len(google) > 1:
        rest["google"] = {name: value for name, value in google.items() if name != "thought_signature"}
    if rest:
        fields["extra_content"] = rest
    else:
        del fields["extra_content"]
    return signature


def place_signature(parts: Iterable[Part], signature: str) -> bool:
    """Put the signature of a whole message on its last text, or else on its first tool call. False: it has neither."""
    texts, calls = [], []
    for part in parts:
        if not part.HasField("signature"):
            kind = part.WhichOneof("kind")
            if kind == "text":
                texts.append(part)
            elif kind == "tool_call":
                calls.append(part)
    for part in (*texts[-1:], *calls[:1]):
        part.signature.provider, part.signature.value = SIGNER, signature
        return True
    return False


def add_signature(fields: Json, part: Part) -> None:
    """Write Gemini's signature of a part into extra_content. Any other provider's stays here."""
    if part.signature.provider == SIGNER:
        extra = object_at(fields, "extra_content")
        google = {**object_at(extra, "google"), "thought_signature": part.signature.value}
        fields["extra_content"] = {**extra, "google": google}
