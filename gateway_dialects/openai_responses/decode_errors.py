"""An error that the Responses API reports inside an answer or a stream whose HTTP status was 200.

Source: https://platform.openai.com/docs/api-reference/responses/object (error) and recorded streams that failed.
"""

from __future__ import annotations

from typing import Any

from dragoman.reasons import GatewayError, Reason
from gateway_dialects.kit.json import Json
from gateway_dialects.openai.decode_errors import error_in_body

REASONS = {
    "bio_policy": Reason.CONTENT_FILTERED,
    "cyber_policy": Reason.CONTENT_FILTERED,
    "misalignment_policy_violation": Reason.CONTENT_FILTERED,
    "image_content_policy_violation": Reason.CONTENT_FILTERED,
    "invalid_prompt": Reason.UPSTREAM_REJECTED,
    "data_residency_mismatch": Reason.UPSTREAM_REJECTED,
    "empty_image_file": Reason.UPSTREAM_REJECTED,
    "failed_to_download_image": Reason.UPSTREAM_REJECTED,
    "image_file_not_found": Reason.UPSTREAM_REJECTED,
    "image_file_too_large": Reason.UPSTREAM_REJECTED,
    "image_parse_error": Reason.UPSTREAM_REJECTED,
    "image_too_large": Reason.UPSTREAM_REJECTED,
    "image_too_small": Reason.UPSTREAM_REJECTED,
    "invalid_base64_image": Reason.UPSTREAM_REJECTED,
    "invalid_image": Reason.UPSTREAM_REJECTED,
    "invalid_image_format": Reason.UPSTREAM_REJECTED,
    "invalid_image_mode": Reason.UPSTREAM_REJECTED,
    "invalid_image_url": Reason.UPSTREAM_REJECTED,
    "unsupported_image_media_type": Reason.UPSTREAM_REJECTED,
    "vector_store_timeout": Reason.UPSTREAM_TIMEOUT,
}
"""The codes of this API that chat completions do not have."""


def error_in_answer(error: Any) -> GatewayError:
    failure = error_in_body(
        error if error else {"message": "the provider reports that the answer failed, without saying why"}
    )
    code = failure.metadata.get("upstream_code", "")
    if code in REASONS:
        failure.reason = REASONS[code]
    return failure


def error_in_event(event: Json) -> GatewayError:
    """Of an error event: the error stands in an object of its own (as recorded) or beside the type (as documented)."""
    nested = event.get("error")
    if nested:
        return error_in_answer(nested)
    return error_in_answer({name: event.get(name) for name in ("message", "code", "param")})
