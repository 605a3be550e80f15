"""Why a vendor of the openai dialect refused or failed: its status and body in the contract's vocabulary.

Sources: https://platform.openai.com/docs/guides/error-codes and the error_* recordings of each vendor; the vendors disagree
about what is the type and what the code, so each word is looked for in both.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from dragoman.reasons import GatewayError, Reason
from gateway_dialects.kit.context_length import is_too_long
from gateway_dialects.kit.failures import decode_failure, reason_by_status, seconds, upstream_error
from gateway_dialects.kit.json import LONGEST_MESSAGE, Json, json_text, text_of

REASON_BY_WORD = {
    "context_length_exceeded": Reason.CONTEXT_LENGTH_EXCEEDED,
    "too_many_prompt_tokens": Reason.CONTEXT_LENGTH_EXCEEDED,
    # GitHub's models, llama.cpp and Z.ai.
    "model_max_prompt_tokens_exceeded": Reason.CONTEXT_LENGTH_EXCEEDED,
    "exceed_context_size_error": Reason.CONTEXT_LENGTH_EXCEEDED,
    "1261": Reason.CONTEXT_LENGTH_EXCEEDED,
    "insufficient_quota": Reason.QUOTA_EXHAUSTED,
    "billing_hard_limit_reached": Reason.QUOTA_EXHAUSTED,
    "content_filter": Reason.CONTENT_FILTERED,
    "content_policy_violation": Reason.CONTENT_FILTERED,
    "model_not_found": Reason.MODEL_NOT_FOUND,
    "invalid_model": Reason.MODEL_NOT_FOUND,
    "DeploymentNotFound": Reason.MODEL_NOT_FOUND,
    "rate_limit_exceeded": Reason.RATE_LIMITED,
    "RateLimitReached": Reason.RATE_LIMITED,
    "rate_limited": Reason.RATE_LIMITED,
    "invalid_api_key": Reason.UPSTREAM_AUTH,
    "authentication_error": Reason.UPSTREAM_AUTH,
    "server_is_overloaded": Reason.UPSTREAM_OVERLOADED,
    "overloaded_error": Reason.UPSTREAM_OVERLOADED,
}
ANY_FAILURE = "server_error"
"""Said of every 5xx, of one that is overloaded too: such a status tells more."""
AUTH_PHRASES = ("incorrect api key", "api key not valid")
"""xAI and Google answer a wrong key with 400."""
MESSAGE_FORMS = frozenset({"system", "user", "assistant", "tool"})
"""How FastAPI's servers name the schemas of messages in the place of an error."""
REQUEST_ID_HEADERS = ("x-request-id", "request-id", "apim-request-id", "mistral-correlation-id", "cf-ray")


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """See Dialect.decode_error."""
    return decode_failure(status, headers, body, find=error_object, read=error_from, request_ids=REQUEST_ID_HEADERS)


def error_in_body(error: Any) -> GatewayError:
    """An error reported inside an answer whose status was 200."""
    found = error if isinstance(error, dict) else {"message": error}
    given = (found.get("code"), found.get("status_code"))
    usual = 400 if found.get("type") == "invalid_request_error" else 500
    return error_from(found, next((code for code in given if isinstance(code, int) and 400 <= code < 600), usual))


def error_object(answer: Any) -> Json | None:
    """The object that describes the error, whichever of the vendors' envelopes it came in."""
    if isinstance(answer, dict) and (refused := refused_fields(answer)):
        return refused
    match answer:
        case {"error": dict(error)}:
            return error
        case {"error": str(message)}:
            return {"message": message, "code": answer.get("code")}
        case {"detail": str(message)}:
            return {"message": message}
        case {"errors": [{"message": str(message), **first}, *_]}:
            return {"message": message, "code": first.get("code")}
        case dict() if isinstance(answer.get("message"), str):
            return answer
        case [{**first}, *_]:
            # Google's compatible endpoint wraps its errors in a list.
            return error_object(first)
        case _:
            return None


def refused_fields(answer: Json) -> Json | None:
    """FastAPI's list of the fields that it refused, wherever a server put it: at detail, at message or inside it."""
    for holder in (answer.get("detail"), answer.get("message")):
        listed = holder.get("detail") if isinstance(holder, dict) else holder
        if isinstance(listed, list):
            found = [item for item in listed if isinstance(item, dict) and isinstance(item.get("msg"), str)]
            if found:
                return {**refusal_of(found), "code": answer.get("code")}
    return None


def refusal_of(found: Sequence[Json]) -> Json:
    """The first field is the error's param; where there are several, the message names all."""
    places = [location(item.get("loc")) for item in found]
    message = found[0]["msg"]
    if len(found) > 1:
        message = "; ".join(f"{place}: {item['msg']}" for place, item in zip(places, found, strict=True))
    return {"message": message, "type": found[0].get("type"), "param": places[0]}


def location(loc: Any) -> str | None:
    """FastAPI's list of path pieces, as Mistral sends it, in the words of a JSON path. It names which of several forms of a
    message was tried: no piece of the client's JSON."""
    if not isinstance(loc, list):
        return None
    path = ""
    for before, piece in zip([None, *loc], loc, strict=False):
        if isinstance(piece, int):
            path += f"[{piece}]"
        elif isinstance(piece, str) and piece != "body" and not (isinstance(before, int) and piece in MESSAGE_FORMS):
            path += f".{piece}"
    return path.removeprefix(".")


def error_from(error: Json, status: int) -> GatewayError:
    message = (text_or_json(error.get("message")) or f"status {status}")[:LONGEST_MESSAGE]
    code, kind = word_of(error.get("code")), word_of(error.get("type"))
    failure = upstream_error(
        reason_for(status, (code, kind), message), message, status, upstream_code=code, upstream_type=kind
    )
    failure.field, failure.retry_after_s = text_of(error.get("param")), retry_delay(error)
    return failure


def text_or_json(value: Any) -> str:
    """A message, which some vendors write as an object or a list. Empty for null."""
    if value is None or isinstance(value, str):
        return value or ""
    try:
        return json_text(value)
    except RecursionError:
        return ""


def word_of(value: Any) -> str:
    return str(value) if isinstance(value, (str, int)) else ""


def reason_for(status: int, words: Sequence[str], message: str) -> Reason:
    for word in words:
        if word in REASON_BY_WORD:
            return REASON_BY_WORD[word]
    if ANY_FAILURE in words and status < 500:
        return Reason.UPSTREAM_UNAVAILABLE
    if is_too_long(status, message):
        return Reason.CONTEXT_LENGTH_EXCEEDED
    if status == 400 and any(phrase in message.lower() for phrase in AUTH_PHRASES):
        return Reason.UPSTREAM_AUTH
    return reason_by_status(status)


def retry_delay(error: Json) -> float | None:
    """Google's RetryInfo among the error's details: {"retryDelay": "36s"}."""
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and isinstance(delay := detail.get("retryDelay"), str):
            return seconds(delay.removesuffix("s"))
    return None
