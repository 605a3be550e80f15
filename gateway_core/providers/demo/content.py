"""Message content in words: what the demo's models see of it."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any


def text_of(content: object) -> str:
    """Content in words, whatever its form; media parts are described."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    return " ".join(part_text(part) for part in content if isinstance(part, dict))


def part_text(part: Mapping[str, Any]) -> str:
    match part:
        case {"type": "text" | "input_text" | "output_text", "text": str(text)}:
            return text
        case {"type": "image_url", "image_url": {"url": str(url)}}:
            return describe("image", url)
        case {"type": "video_url", "video_url": {"url": str(url)}}:
            return describe("video", url)
        case {"type": "input_audio", "input_audio": {"data": str(data), "format": str(form)}}:
            return f"[audio {form} {size_of(data)} bytes]"
        case {"type": "file", "file": {"file_data": str(url), **rest}}:
            return describe(f"file {name}" if (name := rest.get("filename")) else "file", url)
        case {"type": "file", "file": {"file_id": str(file_id)}}:
            return f"[file {file_id}]"
        case _:
            return f"[{part.get('type', 'part')}]"


def describe(what: str, url: str) -> str:
    head, comma, data = url.partition(",")
    if not (comma and head.startswith("data:")):
        return f"[{what} {url}]"
    kind = head.removeprefix("data:").partition(";")[0] or "text/plain"
    return f"[{what} {kind} {size_of(data)} bytes]"


def size_of(data: str) -> int:
    try:
        return len(base64.b64decode(data))
    except binascii.Error:
        return len(data)
