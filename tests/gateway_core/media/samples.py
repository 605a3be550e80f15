"""The beginnings of files, as their formats write them: enough to be told apart by."""

from __future__ import annotations

import struct


def box(brand: bytes) -> bytes:
    """An ISO media file's first box."""
    return struct.pack(">I", 24) + b"ftyp" + brand + b"\x00\x00\x02\x00" + b"isom" + b"iso2"


def chunks(form: bytes, kind: bytes) -> bytes:
    return form + struct.pack("<I", 36) + kind + b"fmt \x10\x00\x00\x00"


PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF"
GIF = b"GIF89a\x01\x00\x01\x00"
WEBP = chunks(b"RIFF", b"WEBP")
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3"
WAV = chunks(b"RIFF", b"WAVE")
MP3 = b"\xff\xfb\x90\x64\x00\x0f\xf0\x00"
MP3_WITH_TAGS = b"ID3\x04\x00\x00\x00\x00\x00\x23TSSE"
OGG = b"OggS\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00OpusHead"
MP4 = box(b"isom")
M4A = box(b"M4A ")
WEBM = b"\x1aE\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm"
MATROSKA = WEBM.replace(b"\x84webm", b"\x88matroska")
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'
HTML = b"<!doctype html><title>Please log in</title>"
TEXT = "Grüße".encode()

SAMPLES = (
    (PNG, "image/png"),
    (JPEG, "image/jpeg"),
    (GIF, "image/gif"),
    (b"GIF87a\x01\x00", "image/gif"),
    (WEBP, "image/webp"),
    (b"II*\x00\x08\x00", "image/tiff"),
    (b"MM\x00*\x00\x08", "image/tiff"),
    (b"BM\x46\x00\x00\x00\x00\x00\x00\x00\x36\x00", "image/bmp"),
    (b"\x00\x00\x01\x00\x01\x00", "image/x-icon"),
    (b"8BPS\x00\x01\x00", "image/vnd.adobe.photoshop"),
    (box(b"avif"), "image/avif"),
    (box(b"heic"), "image/heic"),
    (box(b"mif1"), "image/heic"),
    (PDF, "application/pdf"),
    (b"\xef\xbb\xbf\r\n" + PDF, "application/pdf"),
    (WAV, "audio/wav"),
    (MP3_WITH_TAGS, "audio/mpeg"),
    (OGG, "audio/ogg"),
    (b"fLaC\x00\x00\x00\x22", "audio/flac"),
    (b"#!AMR\n\x3c", "audio/amr"),
    (chunks(b"FORM", b"AIFF"), "audio/aiff"),
    (M4A, "audio/mp4"),
    (MP4, "video/mp4"),
    (box(b"mp42"), "video/mp4"),
    (box(b"qt  "), "video/quicktime"),
    (WEBM, "video/webm"),
    (MATROSKA, "video/x-matroska"),
    (chunks(b"RIFF", b"AVI "), "video/x-msvideo"),
    (b"\x00\x00\x01\xba\x44", "video/mpeg"),
    (b"\x00\x00\x01\xb3\x14", "video/mpeg"),
    (b"FLV\x01\x05", "video/x-flv"),
    (b"0&\xb2u\x8ef\xcf\x11\xa6\xd9", "video/x-ms-wmv"),
)
FRAMES = (
    (MP3, "audio/mpeg"),
    (b"\xff\xf3\x84\xc4", "audio/mpeg"),
    (b"\xff\xf1\x50\x80\x02\x1f", "audio/aac"),
    (b"\xff\xf9\x50\x80", "audio/aac"),
)
UNKNOWN = (
    b"",
    b"\xff",
    b"\xff\xff\xff\xff",
    TEXT,
    HTML,
    SVG,
    b"BMW builds cars, and has for a long time.",
    b"ID3 tags tell of songs.",
    b"GIF89 is not a GIF",
    b"RIFF raff and more of it",
    b"This text explains %PDF-1.7",
    "\ufeffText".encode("utf-16"),
    b"PK\x03\x04\x14\x00",
    b"\x00" * 64,
)
