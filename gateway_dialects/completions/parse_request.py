"""A text completion request in the contract's terms: one chat for each prompt, which is its user message.

Source: https://platform.openai.com/docs/api-reference/completions/create, and recorded requests.
"""

from dataclasses import dataclass
from typing import Any

from dragoman.reasons import GatewayError, Reason, invalid
from dragoman.v1.chat_pb2 import ChatRequest
from gateway_dialects.completions.words import DIALECT
from gateway_dialects.kit.fields import boolean, missing, parse_object, small_integer, string, wrong_type
from gateway_dialects.kit.json import Json, json_text
from gateway_dialects.openai.parse_request import parse_fields

MOST_PROMPTS = 128
MOST_ANSWERS = 128
"""Of one request: each is a call that is paid for."""
MOST_LOGPROBS = 20
OWN_FIELDS = frozenset({"prompt", "suffix", "echo", "best_of", "logprobs"})
CHAT_FIELDS = ("messages", "tools", "tool_choice", "functions", "function_call", "modalities", "audio")
"""What asks for more than a text, or for it in another way."""


@dataclass(frozen=True, slots=True)
class ParsedTexts:
    """What the client asked for, and how it wants the answer."""

    prompts: tuple[str, ...]
    chats: tuple[ChatRequest, ...]
    """One for each prompt."""
    stream: bool
    include_usage: bool
    echo: bool
    """Whether each text is to begin with its prompt, which the provider does not repeat."""
    echoed: bool
    """Whether the provider repeats the prompt, with log-probabilities: it is asked to where both are wanted."""
    alternatives: int | None
    """How many likely tokens to give for each token. None: no log-probabilities are wanted."""

    @property
    def count(self) -> int:
        """How many texts there are for each prompt."""
        return self.chats[0].candidate_count or 1

    def offset(self, prompt: str) -> int:
        """Where the first token of a text with log-probabilities is, in characters from the prompt's beginning."""
        return 0 if self.echoed else len(prompt)


def parse_texts(body: bytes, model: str = "") -> ParsedTexts:
    """model: the one in the path, which replaces that of the body. Raises GatewayError naming the field at fault."""
    fields = parse_object(body)
    if model:
        fields["model"] = model
    for name in CHAT_FIELDS:
        if fields.get(name) is not None:
            raise invalid(name, f"'{name}' belongs to a chat: ask at /chat/completions.", "unknown_parameter")
    prompts = parse_prompts(fields.get("prompt"))
    echo = fields.get("echo") is not None and boolean(fields["echo"], "echo")
    alternatives = parse_logprobs(fields)
    echoed = echo and alternatives is not None
    plain: Json = {name: value for name, value in fields.items() if name not in OWN_FIELDS}
    if alternatives is not None:
        plain.update(logprobs=True, top_logprobs=alternatives)
    parsed = parse_fields({**plain, "messages": [{"role": "user", "content": prompts[0]}]})
    if options := parse_options(fields, parsed.chat.candidate_count or 1, echoed):
        parsed.chat.provider_options_json[DIALECT] = json_text(options)
    answers = len(prompts) * max(parsed.chat.candidate_count, 1)
    if answers > MOST_ANSWERS:
        raise invalid("n", f"'prompt' and 'n' ask for {answers} answers; {MOST_ANSWERS} are the most for one request.")
    chats = tuple(asked_with(parsed.chat, prompt) for prompt in prompts)
    return ParsedTexts(prompts, chats, parsed.stream, parsed.include_usage, echo and not echoed, echoed, alternatives)


def parse_prompts(value: Any) -> tuple[str, ...]:
    """A text, or a list of them. Tokens are those of one tokenizer: nobody else could read them."""
    match value:
        case None:
            raise missing("prompt")
        case str():
            prompts = [value]
        case []:
            raise invalid("prompt", "'prompt' is an empty list: send a text.", "empty_array")
        case [int() | [int(), *_], *_]:
            message = "'prompt' is a list of token ids, which only one model's tokenizer can read: send the text."
            raise GatewayError(Reason.UNSUPPORTED, message, field="prompt", code="unsupported")
        case list():
            prompts = [string(item, f"prompt[{index}]") for index, item in enumerate(value)]
        case _:
            raise wrong_type("prompt", "string or array of strings", value)
    if len(prompts) > MOST_PROMPTS:
        raise invalid("prompt", f"'prompt' has {len(prompts)} texts; {MOST_PROMPTS} are the most for one request.")
    if "" in prompts:
        raise invalid("prompt", "'prompt' is empty: there is nothing to go on from.")
    return tuple(prompts)


def parse_options(fields: Json, count: int, echoed: bool) -> Json:
    """What chat models do not have. count: how many texts are wanted for each prompt."""
    options: Json = {}
    if fields.get("suffix") is not None and (suffix := string(fields["suffix"], "suffix")):
        options["suffix"] = suffix
    if echoed:
        options["echo"] = True
    if fields.get("best_of") is not None:
        best_of = small_integer(fields["best_of"], "best_of")
        if best_of < count:
            raise invalid("best_of", f"'best_of' ({best_of}) must not be less than 'n' ({count}).")
        if best_of > count:
            options["best_of"] = best_of
    return options


def parse_logprobs(fields: Json) -> int | None:
    if fields.get("logprobs") is None:
        return None
    wanted = small_integer(fields["logprobs"], "logprobs")
    if not 0 <= wanted <= MOST_LOGPROBS:
        raise invalid("logprobs", f"'logprobs' must be 0 to {MOST_LOGPROBS}, not {wanted}.")
    return wanted


def asked_with(chat: ChatRequest, prompt: str) -> ChatRequest:
    """The same question about another prompt."""
    one = ChatRequest()
    one.CopyFrom(chat)
    one.messages[0].parts[0].text = prompt
    return one
