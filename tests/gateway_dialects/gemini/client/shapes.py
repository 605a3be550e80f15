"""JSON that is almost what the gemini dialect's answers look like: right names, wrong types and values."""

from __future__ import annotations

import json
import re

from hypothesis import strategies as st

NAMES = re.findall(
    r"\w+",
    """candidates content parts role finishReason finishMessage index usageMetadata promptFeedback blockReason modelVersion
    responseId createTime error code message status details reason retryDelay text thought thoughtSignature functionCall id
    name args inlineData mimeType data fileData fileUri executableCode logprobsResult chosenCandidates topCandidates token
    logProbability groundingMetadata groundingChunks groundingSupports segment startIndex endIndex groundingChunkIndices web
    uri title citationMetadata citationSources promptTokenCount candidatesTokenCount thoughtsTokenCount promptTokensDetails
    modality tokenCount serviceTier models inputTokenLimit""",
)
VALUES = st.sampled_from([None, True, False, -1, 0, 1, 2**31, 2**63, 10**30, 0.5, -1e308]) | st.sampled_from(
    [
        "",
        "text",
        "STOP",
        "SAFETY",
        "MALFORMED_FUNCTION_CALL",
        "AA==",
        "AUDIO",
        "audio/wav",
        "2026-01-01T00:00:00Z",
        "9999-12-31T23:59:59+99:99",
    ]
)
ANY_JSON = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=6,
)
PART = st.dictionaries(
    st.sampled_from(["text", "thought", "thoughtSignature", "functionCall", "inlineData", "fileData", "odd"]),
    ANY_JSON,
    max_size=3,
)
CANDIDATE = st.fixed_dictionaries(
    {"content": st.fixed_dictionaries({"parts": st.lists(PART | ANY_JSON, max_size=3)}, optional={"role": VALUES})},
    optional={
        "index": VALUES,
        "finishReason": VALUES,
        "logprobsResult": ANY_JSON,
        "groundingMetadata": ANY_JSON,
        "citationMetadata": ANY_JSON,
        "odd": ANY_JSON,
    },
)
ANSWER = st.fixed_dictionaries(
    {"candidates": st.lists(CANDIDATE, max_size=2)},
    optional={
        "responseId": VALUES,
        "usageMetadata": ANY_JSON,
        "promptFeedback": ANY_JSON,
        "createTime": VALUES,
        "odd": ANY_JSON,
    },
)
BODIES = st.one_of(
    st.binary(max_size=200),
    *(shape.map(lambda value: json.dumps(value).encode()) for shape in (ANY_JSON, ANSWER, CANDIDATE)),
)
