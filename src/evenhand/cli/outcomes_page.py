"""The page of endings, made from the table that decides them."""

from evenhand.model import ENDINGS, Outcome

MEANINGS: dict[Outcome, str] = {
    Outcome.COMPLETED: "The answer is whole.",
    Outcome.BAD_REQUEST: "Ambiguous HTTP, a body that is not one JSON object, a repeated member, an "
    "amount out of bounds.",
    Outcome.UNAUTHENTICATED: "No valid API key.",
    Outcome.MODEL_FORBIDDEN: "A model that the key may not use, or that does not exist: the answer is "
    "the same.",
    Outcome.NO_TENANT: "A JWT is good, but its claims name no tenant, or no lane, that there is.",
    Outcome.ROLE_TOO_LOW: "A page of the admin listener wants a higher role.",
    Outcome.CHANGE_REFUSED: "The admin API: a change of the configuration that is impossible as asked; "
    "nothing was changed.",
    Outcome.VERSION_CONFLICT: "The admin API: somebody else has changed the configuration meanwhile.",
    Outcome.OTHER_SITE: "Another site, or a foreign host name, led a browser to the admin listener.",
    Outcome.NOT_FOUND: "A path that is not served.",
    Outcome.METHOD_NOT_ALLOWED: "A method that the path does not take.",
    Outcome.SLOW_SENDER: "Head or body did not arrive in time.",
    Outcome.BODY_TOO_LARGE: "The body exceeds `limits.body_bytes_max`.",
    Outcome.ENCODED_BODY: "A compressed body.",
    Outcome.EXPECTATION_FAILED: "An `Expect` other than `100-continue`.",
    Outcome.HEAD_TOO_LARGE: "The head exceeds `limits.head_bytes_max` or `limits.head_fields_max`.",
    Outcome.TOO_MANY_CONNECTIONS: "`limits.connections_max` connections are open.",
    Outcome.BUDGET_EXHAUSTED: "What the key has used, what its open requests may use and what this one "
    "may use exceed the key's `spend_max` or `tokens_max`; or the same of a hard one of `budgets`.",
    Outcome.NOT_PRICEABLE: "The model has no price at the moment, or one in another currency than a "
    "budget over the key counts: the operator must mend `prices`.",
    Outcome.LEDGER_CLOSED: "The state database cannot be written, and the key has a budget, or too much "
    "waits for the disk already.",
    Outcome.KEY_LIMIT: "The key has `limits.open_requests_max` requests open.",
    Outcome.RATE_LIMITED: "The tenant has used up its rate; only with a policy that limits rates.",
    Outcome.THROTTLED: "The engines are overloaded, and this tenant is over its share; only at the "
    "start of an interaction, and only with a policy that throttles.",
    Outcome.TENANT_QUEUE_FULL: "The tenant has as much waiting as it may.",
    Outcome.SHED: "The whole queue is full, and this tenant is the one furthest over its share.",
    Outcome.QUEUE_FULL: "The whole queue is full; only with `mode: observe`, which serves in order of "
    "arrival and so refuses whoever comes last.",
    Outcome.NO_ENGINE: "No engine that serves the model is up.",
    Outcome.SHUTTING_DOWN: "The gateway stops.",
    Outcome.QUEUED_TOO_LONG: "Waited longer than its lane allows.",
    Outcome.CANCELLED_QUEUED: "The client left while the request was read or waited; it never started.",
    Outcome.CANCELLED_RUNNING: "The client left while an engine was at work; what was produced is "
    "charged.",
    Outcome.SLOW_READER: "The client took nothing of its answer for too long.",
    Outcome.REFUSED_BY_ENGINE: "The engine finds fault with the request; its own status and reason are "
    "passed on.",
    Outcome.ENGINE_FAILED: "The engine failed, and no other could take over. In a stream: an error "
    "event and no `[DONE]`.",
    Outcome.ENGINE_REJECTED: "The engine refuses the gateway's own credential, or does not know the "
    "model: the operator must mend the configuration. The log line `attempt_failed` has the status.",
    Outcome.ENGINE_TIMEOUT: "The engine was silent for too long.",
    Outcome.ANSWER_TOO_LARGE: "The answer exceeds `limits.answer_bytes_max` or "
    "`limits.event_bytes_max`.",
    Outcome.NOT_RECORDED: "The answer was made and is charged, but its key has a budget and the ledger "
    "could not be written before the last byte. In a stream: an error event and no `[DONE]`.",
    Outcome.GATEWAY_DIED: "In the ledger alone: the gateway was killed in the middle of the request; "
    "the next start charged what was marked as produced.",
    Outcome.INTERNAL_ERROR: "A fault of the gateway itself; its log has the trace.",
}

_HEAD = """\
# Outcomes and errors

Generated from `src/evenhand/model/outcome.py` by `make docs`; do not edit.

Every request has exactly one of these outcomes. The word is the `outcome` label of
`evenhand_requests_total` and the `outcome` of its log line. Errors have OpenAI's shape,
`{"error": {"message", "type", "param", "code"}}`, and the message says what to do. `x-should-retry` is
what the OpenAI SDKs obey; where there is a time to wait, `retry-after` and `retry-after-ms` carry it,
computed from the work that the tenant has waiting and the rate at which its share is served (one second
while no rate was measured). Status 499
is for the log alone: nobody is left to read it. Once a stream has begun its status is 200, in the log
too, and the outcome tells how it ended.

| outcome | status | `code` | retry | meaning |
|---|---|---|---|---|
"""
_RETRY = {True: "yes", False: "no", None: "by status"}


def outcomes_text() -> str:
    """The page as Markdown."""
    rows = [
        f"| `{outcome}` | {ending.status} | {f'`{ending.code}`' if ending.code else ''} "
        f"| {_RETRY[ending.retry]} | {MEANINGS[outcome]} |"
        for outcome, ending in ENDINGS.items()
    ]
    return _HEAD + "\n".join(rows) + "\n"
