"""Text completions, whole and streamed: answers of chat completions with a text in place of a message."""

from typing import Any

from dragoman.v1.chat_pb2 import ChatResponse
from dragoman.v1.stream_pb2 import StreamResponse
from gateway_dialects.kit.json import Json, decode_body, list_at, malformed
from gateway_dialects.openai.decode_response import decode_answer
from gateway_dialects.openai.decode_stream import OpenAIStreamDecoder


def decode_chat(body: bytes) -> ChatResponse:
    """See Operation.decode."""
    return decode_answer(with_choices_of_a_chat(decode_body(body), "message"))


class CompletionsStreamDecoder(OpenAIStreamDecoder):
    """See StreamDecoder."""

    def decode(self, chunk: Json, batch: StreamResponse) -> None:
        super().decode(with_choices_of_a_chat(chunk, "delta"), batch)


def with_choices_of_a_chat(answer: Json, holder: str) -> Json:
    """holder: where a choice of a chat has its text, message or delta."""
    choices = answer.get("choices")
    if not isinstance(choices, list):
        return answer
    return {**answer, "choices": [choice_of_a_chat(choice, holder) for choice in choices]}


def choice_of_a_chat(choice: Any, holder: str) -> Json:
    if not isinstance(choice, dict) or not isinstance(text := choice.get("text"), str):
        raise malformed("a choice of the provider's answer has no text")
    chat = {name: value for name, value in choice.items() if name not in ("text", "logprobs")}
    chat[holder] = {"content": text}
    if isinstance(logprobs := choice.get("logprobs"), dict):
        chat["logprobs"] = {"content": tokens_of(logprobs)}
    return chat


def tokens_of(logprobs: Json) -> list[Json]:
    """Lists side by side as one list of tokens. Nothing comes before the first token of a prompt, so it has no
    log-probability: null becomes 0."""
    probabilities, alternatives = list_at(logprobs, "token_logprobs"), list_at(logprobs, "top_logprobs")
    tokens: list[Json] = [{"token": token} for token in list_at(logprobs, "tokens")]
    for token, probability in zip(tokens, probabilities, strict=False):
        token["logprob"] = probability
    for token, top in zip(tokens, alternatives, strict=False):
        if isinstance(top, dict):
            token["top_logprobs"] = [{"token": name, "logprob": value} for name, value in top.items()]
    return tokens
