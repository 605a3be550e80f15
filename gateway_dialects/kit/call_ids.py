"""Ids of tool calls that their provider gave none."""

import hashlib

from dragoman.v1.chat_pb2 import Candidate
from dragoman.v1.content_pb2 import ToolCall
from gateway_dialects.kit.json import malformed


def made_up_id(answer_id: str, candidate: int, position: int, name: str, arguments: str = "") -> str:
    """An id that the same answer always gets, streamed or not, and hardly another one: results name their call by it, in
    later turns too. position: of the call among those of its candidate, or of its part."""
    seed = "\0".join((answer_id, str(candidate), str(position), name, arguments))
    return "call_" + hashlib.blake2b(seed.encode(errors="surrogatepass"), digest_size=9).hexdigest()


def complete_calls(candidate: Candidate, answer_id: str, *, by_arguments: bool = False) -> None:
    """Gives ids to the tool calls of a whole answer that have none. by_arguments: whether they are known where a stream of
    this dialect begins a call. Raises GatewayError UPSTREAM_INVALID_RESPONSE for a call without a name."""
    calls = [part.tool_call for part in candidate.parts if part.HasField("tool_call")]
    for position, call in enumerate(calls):
        complete_call(call, answer_id, candidate.index, position, by_arguments=by_arguments)


def complete_call(call: ToolCall, answer_id: str, candidate: int, position: int, *, by_arguments: bool = False) -> None:
    """See complete_calls."""
    if not call.name:
        raise malformed("a tool call of the provider's answer has no name")
    if not call.id:
        arguments = call.input or call.arguments_json if by_arguments else ""
        call.id = made_up_id(answer_id, candidate, position, call.name, arguments)
