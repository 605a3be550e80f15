"""What the table in docs/providers.md tells of each dialect: a request that asks for it, where the dialect has it, and a
recorded answer that gives it."""

from __future__ import annotations

from dragoman.v1.chat_pb2 import (
    FunctionTool,
    ReasoningSettings,
    ResponseFormat,
    ResponseFormatType,
    Tool,
    ToolChoice,
    ToolChoiceMode,
)
from dragoman.v1.content_pb2 import CacheHint, MediaKind, Part
from tests.properties.columns import CHAT
from tests.properties.pictures import PDF, PNG, WAV
from tests.properties.probes import SCHEMA, Feature, answered, asking, calls, chat, media, text, tool

FOLDERS = ("openai", "openai_responses", "anthropic", "gemini", "cohere")
"""Fixtures that have a whole text. Mistral's is streamed."""
WITH_TOOL = asking(tools=[tool()])
PARALLEL = dict.fromkeys(("openai", "anthropic", "gemini", "cohere", "mistral"), "tools_parallel")
LOGPROBS = {"openai": "logprobs", "openai_responses": "logprobs", "gemini": "logprobs", "cohere": "stream_logprobs"}
BYTES = "contents.*.parts.*.inlineData"
SOURCE = "messages.*.content.*.source"
IMAGE, FILE = MediaKind.MEDIA_KIND_IMAGE, MediaKind.MEDIA_KIND_FILE
IMAGE_PLACES = chat(
    "messages.*.content.*.image_url",
    openai_responses="input.*.content.*.image_url",
    anthropic=SOURCE,
    gemini=f"{BYTES}|contents.*.parts.*.fileData",
    cohere="messages.*.content.*.image_url",
    mistral="messages.*.content.*.image_url",
)
PDF_PLACES = chat(
    "messages.*.content.*.file",
    openai_responses="input.*.content.*.file_data|input.*.content.*.file_url",
    anthropic=SOURCE,
    gemini=f"{BYTES}|contents.*.parts.*.fileData",
    mistral="messages.*.content.*.document_url",
)
AUDIO_PLACES = chat(
    "messages.*.content.*.input_audio",
    openai_responses="input.*.content.*.input_audio",
    gemini=BYTES,
    mistral="messages.*.content.*.input_audio",
)
CACHED = Part(text="long", cache_hint=CacheHint())
FORM = ResponseFormatType

FEATURES = (
    Feature(
        "text",
        asking(Part(text="Bye")),
        chat(
            "messages.*.content",
            openai_responses="input.*.content",
            anthropic="messages.*.content",
            gemini="contents.*.parts.*.text",
            cohere="messages.*.content",
            mistral="messages.*.content",
        ),
        answers=dict.fromkeys(FOLDERS, "text"),
        given=lambda answer: bool(text(answer)),
    ),
    Feature(
        "tools",
        WITH_TOOL,
        chat(
            "tools.*.function.name",
            openai_responses="tools.*.name",
            anthropic="tools.*.name",
            gemini="tools.*.functionDeclarations.*.name",
            cohere="tools.*.function.name",
            mistral="tools.*.function.name",
        ),
    ),
    Feature(
        "several tools at once",
        WITH_TOOL,
        chat("tools", openai_responses="tools", anthropic="tools", gemini="tools", cohere="tools", mistral="tools"),
        answers={**PARALLEL, "openai_responses": "stream_reasoning_and_tools"},
        given=lambda answer: calls(answer) > 1,
    ),
    Feature(
        "one tool at a time",
        asking(tools=[tool()], parallel_tool_calls=False),
        chat(
            "parallel_tool_calls",
            openai_responses="parallel_tool_calls",
            anthropic="tool_choice.disable_parallel_tool_use",
            mistral="parallel_tool_calls",
        ),
        WITH_TOOL,
    ),
    Feature(
        "a named tool",
        asking(
            tools=[tool(), Tool(function=FunctionTool(name="g"))],
            tool_choice=ToolChoice(mode=ToolChoiceMode.TOOL_CHOICE_MODE_TOOL, tool_name="f"),
        ),
        chat(
            "tool_choice.function.name",
            openai_responses="tool_choice.name",
            anthropic="tool_choice.name",
            gemini="toolConfig.functionCallingConfig.allowedFunctionNames",
            mistral="tool_choice.function.name",
        ),
        asking(tools=[tool(), Tool(function=FunctionTool(name="g"))]),
        how={"cohere": "only this tool is offered, and one must be called"},
    ),
    Feature(
        "strict tools",
        asking(tools=[tool(strict=True)]),
        chat(
            "tools.*.function.strict",
            openai_responses="tools.*.strict",
            anthropic="tools.*.strict",
            gemini="toolConfig.functionCallingConfig.mode",
            cohere="strict_tools",
            mistral="tools.*.function.strict",
        ),
        WITH_TOOL,
    ),
    Feature(
        "a tool's failure",
        answered(is_error=True),
        {"anthropic": "messages.*.content.*.is_error", "gemini": "contents.*.parts.*.functionResponse.response.error"},
        answered(),
        how=dict.fromkeys((*CHAT, "openai-responses", "cohere", "mistral"), "the tool's words begin with `Error:`"),
    ),
    Feature(
        "image in a tool's answer",
        answered(media(IMAGE, "image/png", PNG)),
        {
            "openai-responses": "input.*.output.*.image_url",
            "anthropic": "messages.*.content.*.content.*.source",
            "gemini": "contents.*.parts.*.functionResponse.parts",
            "mistral": "messages.*.content.*.image_url",
        },
        answered(),
        how={
            **dict.fromkeys((*CHAT, "cohere"), "it stands in a user message behind the tools' answers"),
            "gemini": "it stands beside the tool's answer",
        },
    ),
    Feature(
        "JSON (json_object)",
        asking(response_format=ResponseFormat(type=FORM.RESPONSE_FORMAT_TYPE_JSON_OBJECT)),
        chat(
            "response_format.type",
            openai_responses="text.format.type",
            gemini="generationConfig.responseMimeType",
            cohere="response_format.type",
            mistral="response_format.type",
        ),
        how={"anthropic": "the model is told to answer with JSON alone"},
    ),
    Feature(
        "JSON by schema (json_schema)",
        asking(response_format=ResponseFormat(type=FORM.RESPONSE_FORMAT_TYPE_JSON_SCHEMA, name="n", schema_json=SCHEMA)),
        chat(
            "response_format.json_schema",
            openai_responses="text.format.schema",
            anthropic="output_config.format.schema",
            gemini="generationConfig.responseJsonSchema|generationConfig.responseSchema",
            cohere="response_format.json_schema",
            mistral="response_format.json_schema",
        ),
        how={"anthropic": "a tool with this schema is forced, and what it is called with is the answer"},
    ),
    Feature("image, inline", asking(media(IMAGE, "image/png", PNG)), IMAGE_PLACES),
    Feature("image by URL", asking(media(IMAGE, "image/png", "https://example.com/i.png")), IMAGE_PLACES),
    Feature("PDF, inline", asking(media(FILE, "application/pdf", PDF)), PDF_PLACES),
    Feature("PDF by URL", asking(media(FILE, "application/pdf", "https://example.com/d.pdf")), PDF_PLACES),
    Feature("audio in", asking(media(MediaKind.MEDIA_KIND_AUDIO, "audio/wav", WAV)), AUDIO_PLACES),
    Feature(
        "video in",
        asking(media(MediaKind.MEDIA_KIND_VIDEO, "video/mp4", b"\0\0\0\x18ftypmp42")),
        chat("messages.*.content.*.video_url", gemini=BYTES),
    ),
    Feature(
        "audio out",
        asking(modalities=["text", "audio"]),
        chat("modalities", gemini="generationConfig.responseModalities"),
        answers={"openai": "stream_audio", "gemini": "stream_audio"},
        given=lambda answer: any(part.HasField("media") for part in answer.candidates[0].parts),
    ),
    Feature(
        "reasoning, asked for",
        asking(reasoning=ReasoningSettings(effort="high")),
        chat(
            "reasoning_effort",
            openai_responses="reasoning.effort",
            anthropic="output_config.effort|thinking.budget_tokens",
            gemini="generationConfig.thinkingConfig",
            cohere="thinking",
            mistral="reasoning_effort",
        ),
    ),
    Feature(
        "prompt cache, marked",
        asking(CACHED),
        {**dict.fromkeys(("openai (any server)", "anthropic"), "messages.*.content.*.cache_control")},
        asking(Part(text="long")),
    ),
    Feature(
        "logprobs",
        asking(logprobs=True),
        chat(
            "logprobs",
            openai_responses="include",
            gemini="generationConfig.responseLogprobs",
            cohere="logprobs",
            mistral="logprobs",
        ),
        answers=LOGPROBS,
        given=lambda answer: bool(answer.candidates[0].logprobs.content),
    ),
    Feature(
        "alternatives (top_logprobs)",
        asking(logprobs=True, top_logprobs=2),
        chat("top_logprobs", openai_responses="top_logprobs", gemini="generationConfig.logprobs", mistral="top_logprobs"),
        asking(logprobs=True),
    ),
    Feature("seed", asking(seed=7), chat("seed", gemini="generationConfig.seed", cohere="seed", mistral="random_seed")),
    Feature(
        "stop texts",
        asking(stop=["END"]),
        chat(
            "stop",
            anthropic="stop_sequences",
            gemini="generationConfig.stopSequences",
            cohere="stop_sequences",
            mistral="stop",
        ),
    ),
)
