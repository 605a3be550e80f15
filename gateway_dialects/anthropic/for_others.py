"""What blocks that only Anthropic's models understand say to others.

Source: https://platform.claude.com/docs (web search, web fetch, code execution, MCP connector, search results, tool search,
citations, files, compaction) and recorded exchanges. What a search found is encrypted, and is left out with its call: the
text behind it says what was found.
"""

from collections.abc import Callable, Mapping, Sequence

from dragoman.v1.content_pb2 import Part
from gateway_dialects.anthropic.parse_messages import parse_block
from gateway_dialects.anthropic.words import DIALECT
from gateway_dialects.kit.json import Json, details_of, json_text, list_at, object_at, set_details, text_of
from gateway_dialects.kit.readings import LEFT_OUT, fenced, names_in, opaque_object, spoken, texts_in, texts_of
from gateway_dialects.kit.tool_names import AVAILABLE

ENCRYPTED_TOOLS = ("web_search",)
"""Server tools whose results nobody else can read."""


def for_others(part: Part) -> Sequence[Part] | None:
    """See ForOthers."""
    if part.HasField("opaque"):
        block = opaque_object(part)
        return READINGS.get(text_of(block.get("type")), read_texts)(block)
    return explained(part)


def explained(part: Part) -> Sequence[Part]:
    """A document behind the context that its author gave it."""
    details = details_of(part, DIALECT)
    context = text_of(details.pop("context", None))
    if not context:
        return [part]
    document = Part()
    document.CopyFrom(part)
    del document.provider_details_json[DIALECT]
    set_details(document, details, DIALECT)
    return [Part(text=about(part.media.filename, context)), document]


def about(title: str, context: str) -> str:
    return f"About {title or 'the next document'}: {context}"


def read_texts(block: Json) -> Sequence[Part]:
    return spoken("\n".join(texts_in(block)))


def left_out(block: Json) -> Sequence[Part]:
    return LEFT_OUT


def read_search_result(block: Json) -> Sequence[Part]:
    head = [text_of(block.get("title")), text_of(block.get("source"))]
    return spoken("\n".join(line for line in (*head, "", *texts_in(block)) if line or line == ""))


def read_reference(block: Json) -> Sequence[Part]:
    """A tool that a search for tools found."""
    name = text_of(block.get("tool_name"))
    return spoken(name + AVAILABLE if name else "")


def read_found_tools(block: Json) -> Sequence[Part]:
    names = names_in(object_at(block, "content"), "tool_references", "tool_name")
    return spoken("\n".join(name + AVAILABLE for name in names))


def read_document(block: Json) -> Sequence[Part]:
    """A document of blocks, or one that a tool fetched: its title and context, then what it holds, pictures too."""
    title, context = text_of(block.get("title")), text_of(block.get("context"))
    head = [title] if title else []
    if context:
        head.append(about(title, context))
    source = object_at(block, "source")
    found = [*spoken("\n".join(head))]
    content = source.get("content") if source.get("type") == "content" else source.get("data")
    for piece in content if isinstance(content, list) else [content]:
        if isinstance(piece, dict) and text_of(piece.get("type")) == "image" and object_at(piece, "source"):
            parse_block(inner := Part(), piece, "source.content")
            found += [inner] if inner.HasField("media") else []
        elif source.get("type") in ("content", "text"):
            found += spoken("\n".join(texts_of(piece)))
    return found


def read_call(block: Json) -> Sequence[Part]:
    """What a tool of Anthropic's, or of an MCP server, was asked."""
    name, given = text_of(block.get("name")), object_at(block, "input")
    if not name or name in ENCRYPTED_TOOLS:
        return LEFT_OUT
    code = text_of(given.get("code")) or text_of(given.get("command"))
    return spoken(f"[{name} was run with:]\n{fenced(code) if code else json_text(given)}")


def read_execution(block: Json) -> Sequence[Part]:
    """What a program wrote, or what became of a file."""
    result = object_at(block, "content")
    texts = [text_of(result.get(name)) for name in ("stdout", "stderr", "error_code")]
    texts += [*texts_of(result.get("content")), *(line for line in list_at(result, "lines") if isinstance(line, str))]
    code = result.get("return_code")
    ending = [f"(exit code {code})"] if code else []
    return framed("It gave:", "\n".join([*(text.rstrip() for text in texts if text.strip()), *ending]))


def read_mcp_result(block: Json) -> Sequence[Part]:
    return framed("It failed:" if block.get("is_error") is True else "It gave:", "\n".join(texts_in(block)))


def read_page(block: Json) -> Sequence[Part]:
    """A page that was fetched."""
    result = object_at(block, "content")
    document = read_document(object_at(result, "content"))
    return [*spoken(text_of(result.get("url")) or text_of(result.get("error_code"))), *document]


def framed(head: str, text: str) -> Sequence[Part]:
    return spoken(f"[{head}]\n{text}") if text.strip() else LEFT_OUT


READINGS: Mapping[str, Callable[[Json], Sequence[Part]]] = {
    "search_result": read_search_result,
    "tool_reference": read_reference,
    "tool_search_tool_result": read_found_tools,
    "document": read_document,
    "server_tool_use": read_call,
    "mcp_tool_use": read_call,
    "mcp_tool_result": read_mcp_result,
    "web_search_tool_result": left_out,
    "web_fetch_tool_result": read_page,
    "code_execution_tool_result": read_execution,
    "bash_code_execution_tool_result": read_execution,
    "text_editor_code_execution_tool_result": read_execution,
    "container_upload": left_out,
}
"""By type. Of any other the texts are read, which the block or its content holds: compaction for example."""
