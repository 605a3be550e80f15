"""JSON that is almost what Cohere's answers look like: right names, wrong types and values."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import strategies as st

NAMES = re.findall(
    r"\w+",
    """id message role content type text thinking tool_plan tool_calls function name arguments citations start end sources
    document tool_output url title content_index finish_reason usage tokens billed_units input_tokens output_tokens
    image_tokens cached_tokens logprobs token_ids delta index error error_type models context_length""",
)
VALUES = st.sampled_from(
    [
        None,
        True,
        False,
        -1,
        0,
        1,
        2**31,
        2**63,
        10**30,
        0.5,
        -1e308,
        "",
        "text",
        "thinking",
        "PLAN",
        "COMPLETE",
        "ERROR",
        "é\0",
    ]
)
ANY_JSON = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from([*NAMES, "$field"]), inner, max_size=4),
    max_leaves=6,
)
BLOCK = st.fixed_dictionaries(
    {"type": st.sampled_from(["text", "thinking", "song"])}, optional={"text": VALUES, "thinking": VALUES, "odd": ANY_JSON}
)
CALL = st.fixed_dictionaries(
    {"function": st.fixed_dictionaries({}, optional={"name": VALUES, "arguments": VALUES}) | ANY_JSON},
    optional={"id": VALUES},
)
CITATION = st.fixed_dictionaries(
    {}, optional={"start": VALUES, "end": VALUES, "content_index": VALUES, "sources": ANY_JSON, "type": VALUES}
)


def rarely(odd: st.SearchStrategy[Any], usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(*[usual] * 6, odd)


MESSAGE = st.fixed_dictionaries(
    {},
    optional={
        "content": rarely(ANY_JSON, st.lists(rarely(ANY_JSON, BLOCK), max_size=3)),
        "tool_plan": VALUES,
        "tool_calls": rarely(ANY_JSON, st.lists(rarely(ANY_JSON, CALL), max_size=2)),
        "citations": rarely(ANY_JSON, st.lists(rarely(ANY_JSON, CITATION), max_size=3)),
        "odd": ANY_JSON,
    },
)
ANSWER = st.fixed_dictionaries(
    {"message": MESSAGE, "finish_reason": rarely(VALUES, st.just("COMPLETE"))},
    optional={"id": VALUES, "usage": ANY_JSON, "logprobs": ANY_JSON, "odd": ANY_JSON},
)


def event(kind: str, **message: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    delta = st.fixed_dictionaries({"message": rarely(ANY_JSON, st.fixed_dictionaries(dict(message)))})
    return st.fixed_dictionaries(
        {"type": st.just(kind), "index": rarely(VALUES, st.sampled_from([0, 0, 1])), "delta": rarely(ANY_JSON, delta)},
        optional={"logprobs": ANY_JSON},
    )


EVENT = st.one_of(
    event("message-start"),
    event("content-start", content=BLOCK),
    event("content-delta", content=BLOCK),
    event("content-end"),
    event("tool-plan-delta", tool_plan=VALUES),
    event("tool-call-start", tool_calls=CALL),
    event("tool-call-start", tool_calls=CALL),
    event("tool-call-delta", tool_calls=CALL),
    event("tool-call-end"),
    event("citation-start", citations=rarely(ANY_JSON, CITATION)),
    event("citation-end"),
    event("debug"),
    ANY_JSON.map(lambda value: {"type": "message-end", "delta": value}),
)
BODIES = st.one_of(
    st.binary(max_size=200), *(shape.map(lambda value: json.dumps(value).encode()) for shape in (ANY_JSON, ANSWER, EVENT))
)
"""Whatever a provider sends."""
