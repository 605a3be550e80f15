"""JSON that is almost what the openai dialect's answers look like: right names, wrong types and values."""

from __future__ import annotations

import json
import re

from hypothesis import strategies as st

NAMES = re.findall(
    r"\w+",
    """id object created model choices usage error index message delta finish_reason logprobs role content refusal
    tool_calls reasoning_content reasoning_details audio function custom name arguments input type text summary signature
    data transcript thinking token logprob bytes top_logprobs prompt_tokens prompt_tokens_details cached_tokens cost code
    param detail msg loc annotations extra_content google thought_signature url_citation url start_index end_index format""",
)
MESSAGE_NAMES = [
    "content",
    "refusal",
    "tool_calls",
    "reasoning",
    "reasoning_content",
    "reasoning_details",
    "audio",
    "annotations",
    "extra_content",
    "role",
    "odd",
]
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
        "stop",
        "error",
        "function",
        "thinking",
        "AA==",
        "é\0",
    ]
)
ANY_JSON = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=6,
)
DELTA = st.dictionaries(st.sampled_from(MESSAGE_NAMES), ANY_JSON, max_size=4)
CHOICE = st.fixed_dictionaries(
    {"message": DELTA, "delta": DELTA},
    optional={"index": VALUES, "finish_reason": VALUES, "logprobs": ANY_JSON, "odd": ANY_JSON},
)
ANSWER = st.fixed_dictionaries(
    {"choices": st.lists(CHOICE, min_size=1, max_size=2)},
    optional={"id": VALUES, "created": VALUES, "usage": ANY_JSON, "x_groq": ANY_JSON, "odd": ANY_JSON},
)
BODIES = st.one_of(
    st.binary(max_size=200), *(shape.map(lambda value: json.dumps(value).encode()) for shape in (ANY_JSON, ANSWER, DELTA))
)
