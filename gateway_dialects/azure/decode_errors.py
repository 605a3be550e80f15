"""Why Azure refused or failed. The categories that its content filter found are added to the message.

Source: https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter and the recorded errors of azure.
"""

from collections.abc import Iterator, Mapping

from dragoman.reasons import GatewayError, Reason
from gateway_dialects.kit.json import UNREADABLE, Json, decode_json, object_at
from gateway_dialects.openai.decode_errors import decode_error as decode_openai_error
from gateway_dialects.openai.decode_errors import word_of

RESULTS = ("content_filter_result", "content_filter_results")
FILTERED_CODES = frozenset({"ResponsibleAIPolicyViolation", "content_filter"})
UNKNOWN_MODEL_CODES = frozenset({"unknown_model", "DeploymentNotFound"})


def decode_error(status: int, headers: Mapping[str, str], body: bytes) -> GatewayError:
    """See Dialect.decode_error."""
    failure = decode_openai_error(status, headers, body)
    error = error_of(body)
    inner = object_at(error, "innererror")
    code = word_of(error.get("code"))
    if code in FILTERED_CODES or word_of(inner.get("code")) in FILTERED_CODES:
        failure.reason = Reason.CONTENT_FILTERED
        if met := ", ".join(categories_met(inner)):
            failure.message = f"{failure.message} (met: {met})"
    elif code in UNKNOWN_MODEL_CODES:
        failure.reason = Reason.MODEL_NOT_FOUND
    return failure


def error_of(body: bytes) -> Json:
    try:
        answer = decode_json(body)
    except UNREADABLE:
        return {}
    return object_at(answer, "error") if isinstance(answer, dict) else {}


def categories_met(inner: Json) -> Iterator[str]:
    """hate: high, jailbreak ...: what the filter found, with its severity where it has one."""
    for name in RESULTS:
        for category, result in object_at(inner, name).items():
            if isinstance(result, dict) and (result.get("filtered") is True or result.get("detected") is True):
                severity = result.get("severity")
                yield f"{category}: {severity}" if isinstance(severity, str) else str(category)
