"""The closed set of endings: every request has exactly one, and the client is told.

`ENDINGS` maps each outcome to what the outside sees of it. A test holds the table total, so a new
outcome cannot be added without deciding its status, its error code and whether a retry helps.
"""

from dataclasses import dataclass
from enum import StrEnum


class Outcome(StrEnum):
    """How a request ended. The value is the metric label and the word in the log line."""

    COMPLETED = "completed"
    # Refused at the edge, before the scheduler saw it.
    BAD_REQUEST = "bad_request"
    UNAUTHENTICATED = "unauthenticated"
    MODEL_FORBIDDEN = "model_forbidden"
    NO_TENANT = "no_tenant"
    ROLE_TOO_LOW = "role_too_low"
    CHANGE_REFUSED = "change_refused"
    VERSION_CONFLICT = "version_conflict"
    OTHER_SITE = "other_site"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    SLOW_SENDER = "slow_sender"
    BODY_TOO_LARGE = "body_too_large"
    ENCODED_BODY = "encoded_body"
    EXPECTATION_FAILED = "expectation_failed"
    HEAD_TOO_LARGE = "head_too_large"
    TOO_MANY_CONNECTIONS = "too_many_connections"
    # Refused by the scheduler, or shed from the queue.
    BUDGET_EXHAUSTED = "budget_exhausted"
    NOT_PRICEABLE = "not_priceable"
    LEDGER_CLOSED = "ledger_closed"
    KEY_LIMIT = "key_limit"
    RATE_LIMITED = "rate_limited"
    THROTTLED = "throttled"
    TENANT_QUEUE_FULL = "tenant_queue_full"
    SHED = "shed"
    QUEUE_FULL = "queue_full"
    NO_ENGINE = "no_engine"
    SHUTTING_DOWN = "shutting_down"
    # Ended while waiting.
    QUEUED_TOO_LONG = "queued_too_long"
    CANCELLED_QUEUED = "cancelled_queued"
    # Ended after it was dispatched.
    CANCELLED_RUNNING = "cancelled_running"
    SLOW_READER = "slow_reader"
    REFUSED_BY_ENGINE = "refused_by_engine"
    ENGINE_FAILED = "engine_failed"
    ENGINE_REJECTED = "engine_rejected"
    ENGINE_TIMEOUT = "engine_timeout"
    ANSWER_TOO_LARGE = "answer_too_large"
    NOT_RECORDED = "not_recorded"
    GATEWAY_DIED = "gateway_died"
    INTERNAL_ERROR = "internal_error"


@dataclass(frozen=True, slots=True)
class Ending:
    """What the outside sees of an outcome.

    `status` is the HTTP status while no byte of the answer was sent (499 is for the log alone: the
    client has left). `error_type` and `code` go into the OpenAI error body. `retry` becomes
    `x-should-retry`: True where the same request may succeed later, False where it cannot, None
    where the SDK's own rule by status is right.
    """

    status: int
    error_type: str
    code: str
    retry: bool | None


def _invalid(status: int, code: str) -> Ending:
    return Ending(status, "invalid_request_error", code, retry=False)


ENDINGS: dict[Outcome, Ending] = {
    Outcome.COMPLETED: Ending(200, "", "", retry=None),
    Outcome.BAD_REQUEST: _invalid(400, "bad_request"),
    Outcome.UNAUTHENTICATED: Ending(401, "authentication_error", "invalid_api_key", retry=False),
    Outcome.MODEL_FORBIDDEN: Ending(403, "permission_error", "model_not_allowed", retry=False),
    Outcome.NO_TENANT: Ending(403, "permission_error", "no_tenant", retry=False),
    Outcome.ROLE_TOO_LOW: Ending(403, "permission_error", "role_too_low", retry=False),
    Outcome.CHANGE_REFUSED: _invalid(422, "change_refused"),
    Outcome.VERSION_CONFLICT: _invalid(409, "version_conflict"),
    Outcome.OTHER_SITE: Ending(403, "permission_error", "other_site", retry=False),
    Outcome.NOT_FOUND: _invalid(404, "not_found"),
    Outcome.METHOD_NOT_ALLOWED: _invalid(405, "method_not_allowed"),
    Outcome.SLOW_SENDER: Ending(408, "invalid_request_error", "request_timeout", retry=True),
    Outcome.BODY_TOO_LARGE: _invalid(413, "body_too_large"),
    Outcome.ENCODED_BODY: _invalid(415, "unsupported_content_encoding"),
    Outcome.EXPECTATION_FAILED: _invalid(417, "expectation_failed"),
    Outcome.HEAD_TOO_LARGE: _invalid(431, "headers_too_large"),
    Outcome.TOO_MANY_CONNECTIONS: Ending(503, "server_error", "too_many_connections", retry=True),
    Outcome.BUDGET_EXHAUSTED: Ending(429, "insufficient_quota", "budget_exhausted", retry=False),
    Outcome.NOT_PRICEABLE: Ending(503, "server_error", "not_priceable", retry=False),
    Outcome.LEDGER_CLOSED: Ending(503, "server_error", "ledger_closed", retry=True),
    Outcome.KEY_LIMIT: Ending(429, "rate_limit_error", "key_limit", retry=True),
    Outcome.RATE_LIMITED: Ending(429, "rate_limit_error", "rate_limited", retry=True),
    Outcome.THROTTLED: Ending(429, "rate_limit_error", "over_share_while_overloaded", retry=True),
    Outcome.TENANT_QUEUE_FULL: Ending(429, "rate_limit_error", "tenant_queue_full", retry=True),
    Outcome.SHED: Ending(429, "rate_limit_error", "over_share_while_full", retry=True),
    Outcome.QUEUE_FULL: Ending(503, "server_error", "queue_full", retry=True),
    Outcome.NO_ENGINE: Ending(503, "server_error", "no_engine", retry=True),
    Outcome.SHUTTING_DOWN: Ending(503, "server_error", "shutting_down", retry=True),
    Outcome.QUEUED_TOO_LONG: Ending(504, "server_error", "queued_too_long", retry=True),
    Outcome.CANCELLED_QUEUED: Ending(499, "", "client_gone", retry=None),
    Outcome.CANCELLED_RUNNING: Ending(499, "", "client_gone", retry=None),
    Outcome.SLOW_READER: Ending(499, "", "slow_reader", retry=None),
    # The engine's own status and body are passed on; 400 stands for them in the table.
    Outcome.REFUSED_BY_ENGINE: _invalid(400, "refused_by_engine"),
    Outcome.ENGINE_FAILED: Ending(502, "server_error", "engine_failed", retry=True),
    Outcome.ENGINE_REJECTED: Ending(502, "server_error", "engine_rejected", retry=False),
    Outcome.ENGINE_TIMEOUT: Ending(504, "server_error", "engine_timeout", retry=None),
    Outcome.ANSWER_TOO_LARGE: Ending(502, "server_error", "answer_too_large", retry=False),
    Outcome.NOT_RECORDED: Ending(500, "server_error", "not_recorded", retry=False),
    # Nobody was left to tell the client; the next gateway finds the hold and books this.
    Outcome.GATEWAY_DIED: Ending(499, "", "gateway_died", retry=None),
    Outcome.INTERNAL_ERROR: Ending(500, "server_error", "internal_error", retry=None),
}
