"""What kind of content bytes are, by how they begin. Declared types are often wrong, and providers refuse those that are.

Source: https://mimesniff.spec.whatwg.org and the formats' own specifications (ISO 14496-12 for the brands of ftyp, RFC 3533
for Ogg, ISO 11172-3 and 13818-7 for the frames of MP3 and AAC). No signature here can begin a text.
"""

HEAD_BYTES = 1024
"""As much as is looked at: a PDF may begin with something else for so long."""
PDF_MARK = b"%PDF-"
SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"\x00\x00\x01\x00", "image/x-icon"),
    (0, b"8BPS\x00\x01", "image/vnd.adobe.photoshop"),
    (0, b"ID3\x02", "audio/mpeg"),
    (0, b"ID3\x03", "audio/mpeg"),
    (0, b"ID3\x04", "audio/mpeg"),
    (0, b"fLaC", "audio/flac"),
    (0, b"OggS\x00", "audio/ogg"),
    (0, b"#!AMR\n", "audio/amr"),
    (0, b"FLV\x01", "video/x-flv"),
    (0, b"\x00\x00\x01\xba", "video/mpeg"),
    (0, b"\x00\x00\x01\xb3", "video/mpeg"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "video/x-ms-wmv"),
)
FORMS = {
    b"RIFFWAVE": "audio/wav",
    b"RIFFWEBP": "image/webp",
    b"RIFFAVI ": "video/x-msvideo",
    b"FORMAIFF": "audio/aiff",
    b"FORMAIFC": "audio/aiff",
}
"""Bytes 0 to 3 and 8 to 11 of files in chunks; the length is between."""
BRANDS: dict[bytes, str] = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"heim": "image/heic",
    b"hevc": "image/heic",
    b"mif1": "image/heic",
    b"msf1": "image/heic",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"qt  ": "video/quicktime",
}
"""Major brands of ISO media files that are not MP4 films."""
SAME: tuple[frozenset[str], ...] = (
    frozenset({"audio/mpeg", "audio/mp3", "audio/mpeg3", "audio/x-mp3", "audio/x-mpeg", "audio/mpga"}),
    frozenset({"audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"}),
    frozenset({"audio/ogg", "video/ogg", "application/ogg", "audio/opus", "audio/vorbis", "audio/x-vorbis+ogg"}),
    frozenset({"audio/flac", "audio/x-flac"}),
    frozenset({"audio/aac", "audio/x-aac", "audio/aacp", "audio/x-hx-aac-adts"}),
    frozenset({"audio/aiff", "audio/x-aiff"}),
    frozenset({"video/webm", "audio/webm", "video/x-matroska", "audio/x-matroska"}),
    frozenset({"video/mpeg", "video/mpg", "video/mpegps"}),
    frozenset({"video/x-msvideo", "video/avi", "video/msvideo"}),
    frozenset({"video/x-ms-wmv", "video/wmv", "audio/x-ms-wma", "video/x-ms-asf"}),
    frozenset(
        {"video/mp4", "audio/mp4", "audio/m4a", "audio/x-m4a", "video/quicktime", "video/mov"}
        | {"video/x-m4v", "video/3gpp", "audio/3gpp", "video/3gpp2"}
    ),
    frozenset({"image/heic", "image/heif", "image/avif"}),
    frozenset({"image/tiff", "image/tif"}),
    frozenset({"image/x-icon", "image/vnd.microsoft.icon"}),
    frozenset({"image/bmp", "image/x-ms-bmp"}),
)
"""Names of one format, and formats that begin alike: among these, whoever declared the type knows it better."""
RAW_SOUND = (
    *("audio/pcm", "audio/l8", "audio/l16", "audio/l24", "audio/basic", "audio/raw", "audio/x-raw", "audio/g711"),
    *("audio/mulaw", "audio/alaw", "audio/x-mulaw", "audio/x-alaw"),
)
"""How types of sound begin that may begin with any bytes."""
MISSPELLED = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "image/x-png": "image/png"}
"""Names that no registry knows and providers refuse."""
UNKNOWN = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/binary", "*/*", "unknown/unknown"})
"""Types that say nothing."""


def sniffed(head: bytes) -> str:
    """The type that these first bytes show; empty when they show none, as text does."""
    for offset, signature, mime_type in SIGNATURES:
        if head.startswith(signature, offset):
            return mime_type
    if form := FORMS.get(head[:4] + head[8:12]):
        return form
    if head[4:8] == b"ftyp":
        return BRANDS.get(head[8:12], "video/mp4")
    if head.startswith(b"\x1aE\xdf\xa3"):
        return "video/x-matroska" if b"matroska" in head[:64] else "video/webm"
    if head.startswith(b"BM") and head[6:10] == b"\x00\x00\x00\x00":
        return "image/bmp"
    if head.lstrip(b"\xef\xbb\xbf\x00 \t\r\n").startswith(PDF_MARK):
        return "application/pdf"
    return ""


def framed(head: bytes) -> str:
    """The type of a stream of frames of sound, which has no head of its own: only eleven or twelve bits are set at the start
    of each frame, as other bytes may have it by chance. Empty when these bytes cannot be one."""
    if len(head) < 4 or head[0] != 0xFF:
        return ""
    second = head[1]
    if second & 0xF6 == 0xF0:
        return "audio/aac"
    # MPEG layer III, with a bit rate and a sampling rate that exist.
    layer_three = second & 0xE6 == 0xE2 and second & 0x18 != 0x08
    return "audio/mpeg" if layer_three and head[2] & 0xF0 != 0xF0 and head[2] & 0x0C != 0x0C else ""


def spelled(mime_type: str) -> str:
    """A type as registries spell it, without its parameters; empty when it says nothing."""
    bare = mime_type.partition(";")[0].strip().lower()
    return "" if bare in UNKNOWN else MISSPELLED.get(bare, bare)


def agree(declared: str, found: str) -> bool:
    """Whether content of the type found may be called by the declared one."""
    return declared == found or declared.startswith(RAW_SOUND) or any(declared in names and found in names for names in SAME)
