"""Whatever a client sends, nothing but GatewayError comes out of the parser; and what it understands, it can write again."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dragoman.reasons import GatewayError
from gateway_dialects.gemini import CLIENT as GEMINI
from gateway_dialects.gemini.parse_request import parse_chat, parse_count
from tests.gateway_dialects.gemini.client.asking import ENDPOINT
from tests.laws.languages.gemini import canonical_request

PROPERTY = settings(
    max_examples=300, deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow]
)
NAMES = re.findall(
    r"\w+",
    """contents parts role text thought thoughtSignature functionCall functionResponse id name args response inlineData
    inline_data mimeType data fileData fileUri systemInstruction tools functionDeclarations parameters parametersJsonSchema
    toolConfig functionCallingConfig mode allowedFunctionNames generationConfig temperature topK stopSequences thinkingConfig
    thinkingBudget responseSchema responseMimeType properties items type nullable partMetadata dragoman dialect content""",
)
VALUES = st.sampled_from(
    [None, True, -1, 0, 1.5, 2**63, "", "text", "model", "user", "AUTO", "AA==", "ZHJhZ29tYW4uMS57fQ=="]
)
ANY_JSON = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=8,
)
BODY = st.fixed_dictionaries(
    {"contents": st.lists(st.dictionaries(st.sampled_from(["role", "parts"]), ANY_JSON), max_size=3) | ANY_JSON},
    optional=dict.fromkeys(("systemInstruction", "tools", "toolConfig", "generationConfig", "odd"), ANY_JSON),
)
WORDS = st.text(st.characters(codec="utf-8"), max_size=6)
SEALED = st.fixed_dictionaries({}, optional={"thoughtSignature": st.sampled_from(["c2ln", "dA=="])})
SAID = st.builds(lambda text, more: {"text": text, **more}, WORDS, SEALED)
THOUGHT = st.builds(lambda text, more: {"text": text, "thought": True, **more}, WORDS, SEALED)
CALLED = st.builds(
    lambda name: {"functionCall": {"name": name, "args": {}}, "thoughtSignature": "c2ln"}, st.sampled_from("fg")
)
RESULT = st.builds(
    lambda name, text: {"functionResponse": {"name": name, "response": {"result": text}}}, st.sampled_from("fg"), WORDS
)
MODEL = st.builds(lambda parts: {"role": "model", "parts": parts}, st.lists(SAID | THOUGHT | CALLED, min_size=1, max_size=4))
USER = st.builds(lambda parts: {"role": "user", "parts": parts}, st.lists(SAID | RESULT, min_size=1, max_size=4))
CONVERSATION = st.lists(USER | MODEL, max_size=6).map(lambda rest: [{"role": "user", "parts": [{"text": "Go"}]}, *rest])


@PROPERTY
@given(
    st.binary(max_size=60)
    | BODY.map(lambda body: json.dumps(body).encode())
    | ANY_JSON.map(lambda v: json.dumps(v).encode())
)
def test_a_body(body: bytes) -> None:
    for parse in (parse_chat, parse_count):
        with contextlib.suppress(GatewayError):
            request = parse(body, "m")
            request.SerializeToString()
            with contextlib.suppress(GatewayError):
                GEMINI.encode_chat(request, "gemini-2.5-flash", ENDPOINT, False)


@PROPERTY
@given(CONVERSATION)
def test_any_conversation_is_given_back_as_it_came(contents: list[dict[str, Any]]) -> None:
    request = parse_chat(json.dumps({"contents": contents}).encode(), "m")
    upstream, warnings = GEMINI.encode_chat(request, "gemini-3-pro-preview", ENDPOINT, False)
    assert canonical_request(json.loads(upstream.body)) == canonical_request({"contents": contents})
    assert not warnings
    ids = [part.tool_call.id for message in request.messages for part in message.parts if part.HasField("tool_call")]
    assert len(ids) == len(set(ids))
