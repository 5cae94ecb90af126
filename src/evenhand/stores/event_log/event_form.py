"""A call of a scheduler and its answer, as JSON can hold them.

A call is a list: the name of the method, its arguments in their order, its answer. What is said to a
client is no decision, so messages are left out. Answers are compared as they are written and never read
back.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from evenhand.model import Outcome, Request, Usage
from evenhand.scheduling import Policy, Refusal, Settlement, Start, Submission
from evenhand.scheduling.recorder import Event
from evenhand.scheduling.tree_change import (
    AddTenant,
    MoveTenant,
    RemoveTenant,
    SetWeight,
    TreeChange,
    TreePlan,
    TreeProblem,
)
from evenhand.stores.event_log.settings_form import settings_form, settings_of, share_form, share_of

_FIELDS = [(field.name, field.default) for field in fields(Request)]


def request_form(request: Request) -> dict[str, Any]:
    """Those fields that are not as usual."""
    form = {name: value for name, usual in _FIELDS if (value := getattr(request, name)) != usual}
    if request.engines:
        form["engines"] = list(request.engines)
    if request.prefix:
        form["prefix"] = b64encode(request.prefix).decode()
    return form


def request_of(form: dict[str, Any]) -> Request:
    """As it was."""
    known = {**form, "tenant": tuple(form["tenant"]), "engines": tuple(form.get("engines", ()))}
    if "prefix" in form:
        known["prefix"] = b64decode(form["prefix"], validate=True)
    return Request(**known)


def _change_form(change: TreeChange) -> list[Any]:
    match change:
        case SetWeight(path, weight):
            return ["weigh", path, weight]
        case AddTenant(parent, share):
            return ["add", parent, share_form(share)]
        case RemoveTenant(path):
            return ["remove", path]
        case MoveTenant(path, to):
            return ["move", path, to]


def _change_of(form: list[Any]) -> TreeChange:
    match form:
        case ["weigh", path, weight]:
            return SetWeight(tuple(path), weight)
        case ["add", parent, share]:
            return AddTenant(tuple(parent), share_of(share))
        case ["remove", path]:
            return RemoveTenant(tuple(path))
        case ["move", path, to]:
            return MoveTenant(tuple(path), tuple(to))
    raise ValueError(f"{form} is no change of the share tree")


def _changes_form(changes: tuple[TreeChange, ...]) -> list[Any]:
    return [_change_form(change) for change in changes]


def _changes_of(form: list[Any]) -> tuple[TreeChange, ...]:
    return tuple(_change_of(change) for change in form)


def _not_here(name: str) -> Policy:
    """A running scheduler takes over only what is built in, or what it began with."""
    raise LookupError(name)


def _same(value: Any) -> Any:
    return value


_Codec = tuple[Callable[[Any], Any], Callable[[Any], Any]]
_AS_IT_IS: _Codec = (_same, _same)
# By the names of arguments, which mean the same in every method.
_CODECS: Mapping[str, _Codec] = {
    "request": (request_form, request_of),
    "usage": (
        lambda usage: [
            usage.input_tokens,
            usage.output_tokens,
            usage.cached_input_tokens,
            usage.is_estimate,
            *([usage.reasoning_tokens] if usage.reasoning_tokens else ()),
        ],
        lambda form: Usage(*form),
    ),
    "outcome": (str, Outcome),
    "models": (list, tuple),
    "tenant": (list, tuple),
    "prefix": (
        lambda prefix: b64encode(prefix).decode(),
        lambda form: b64decode(form, validate=True),
    ),
    "settings": (settings_form, lambda form: settings_of(form, _not_here)),
    "changes": (_changes_form, _changes_of),
    "plan": (
        lambda plan: [plan.version, _changes_form(plan.changes)],
        lambda form: TreePlan(_changes_of(form[1]), form[0]),
    ),
}
METHODS: Mapping[str, tuple[str, ...]] = {
    "start_at_once": ("request", "now_ms"),
    "submit": ("request", "now_ms"),
    "cancel": ("request_id", "now_ms"),
    "expire": ("now_ms",),
    "next": ("now_ms",),
    "produced": ("request_id", "tokens", "now_ms"),
    "settle": ("request_id", "usage", "outcome", "now_ms"),
    "prompt_counted": ("request_id", "input_tokens", "cached_tokens", "now_ms"),
    "preempted": ("request_id", "now_ms"),
    "try_again_elsewhere": ("request_id", "now_ms"),
    "charged_elsewhere": ("tenant", "units", "now_ms"),
    "engine_changed": ("name", "window", "models"),
    "engine_held": ("name", "slots"),
    "engine_told": ("name", "waiting", "may_take_more"),
    "evicted": ("name", "prefix", "trust_domain"),
    "stored": ("name", "prefix", "trust_domain"),
    "cache_sized": ("name", "tokens_max", "block_tokens"),
    "restarted": ("name",),
    "hold_back": ("tenant",),
    "let_go": ("tenant",),
    "plan": ("changes",),
    "apply": ("plan",),
    "exchange": ("settings", "now_ms"),
    "retry_after_ms": ("tenant", "now_ms"),
}
"""Every call that is recorded, with the names of its arguments in the order of the log."""


def event_form(event: Event) -> list[Any]:
    """A call with its answer."""
    method, arguments, answer = event
    form: list[Any] = [method]
    for name in METHODS[method]:
        encode, _ = _CODECS.get(name, _AS_IT_IS)
        form.append(encode(arguments[name]))
    form.append(answer_form(answer))
    return form


def call_of(form: object) -> tuple[str, dict[str, Any], Any]:
    """Method, arguments, and the answer as it was written. ValueError: it is no call; any other error
    of Python: an argument is not what it should be."""
    if not isinstance(form, list) or not form or not isinstance(form[0], str):
        raise ValueError("this is no call: a call is a list that begins with a name")
    method, *values, answer = form if len(form) > 1 else [*form, None]
    names = METHODS.get(method)
    if names is None:
        raise ValueError(f"there is no call {method}")
    if len(values) != len(names):
        raise ValueError(f"{method} takes {', '.join(names)} and has an answer; some are missing")
    arguments = {}
    for name, value in zip(names, values, strict=True):
        _, decode = _CODECS.get(name, _AS_IT_IS)
        arguments[name] = decode(value)
    return method, arguments, answer


def answer_form(answer: Any) -> Any:
    """What a scheduler answered, without what is only for people."""
    return _ANSWERS[type(answer)](answer)


def _submission_form(answer: Submission) -> list[Any] | None:
    refused, shed = answer.refused, answer.shed
    return None if refused is None and not shed else [answer_form(refused), answer_form(shed)]


_ANSWERS: Mapping[type, Callable[[Any], Any]] = {
    type(None): _same,
    bool: _same,
    int: _same,
    str: _same,
    tuple: lambda answer: [answer_form(refusal) for refusal in answer],
    Start: lambda start: [start.request.id, start.engine, start.waited_ms],
    Submission: _submission_form,
    Refusal: lambda refusal: [
        refusal.request.id,
        str(refusal.outcome),
        refusal.retry_after_ms,
        refusal.waited_ms,
    ],
    Settlement: lambda settled: [
        settled.request.id,
        str(settled.outcome),
        settled.engine,
        settled.units,
        settled.corrected_units,
    ],
    TreePlan: lambda plan: ["planned", plan.version],
    TreeProblem: lambda problem: ["refused", _change_form(problem.change)],
}
