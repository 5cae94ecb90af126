"""How transformers gets to know the scheduler, and how whoever submits says whose a request is."""

from functools import partial
from itertools import count
from typing import Any

from transformers.generation.continuous_batching import scheduler as engine_scheduler

from evenhand.inengine.settings import InEngineSettings, InEngineSettingsError
from evenhand.inengine.settings_document import document_of
from evenhand.inengine.tenant_hints import NO_HINTS, read
from evenhand.inengine.transformers import versions
from evenhand.inengine.transformers.scheduler import FairScheduler
from evenhand.inengine.transformers.tenants import Notes, told

NAME = "evenhand"

_notes = Notes()
_numbers = count(1)


class NotInUseError(RuntimeError):
    """The engine schedules by another scheduler than ours."""


def register(*, as_default: bool = False, **settings: Any) -> None:
    """Make `ContinuousBatchingConfig(scheduler_type="evenhand")` known. Settings are those of the
    environment variable EVENHAND_INENGINE, and these arguments, which win. Call it again to change them
    for engines that start later. `as_default`: also for engines that name no scheduler, where no
    argument of theirs could. Raises InEngineSettingsError, UnsupportedVersionError."""
    versions.check()
    found = InEngineSettings.of({**document_of(None), **settings})
    _refuse_what_cannot_be(found)
    build = partial(FairScheduler, settings=found, notes=_notes)
    engine_scheduler.SCHEDULER_MAPPING[NAME] = build
    if as_default:
        engine_scheduler.SCHEDULER_MAPPING["fifo"] = build


def submit(
    manager: Any,
    input_ids: list[int],
    *,
    tenant: str,
    lane: str | None = None,
    application: str | None = None,
    request_id: str | None = None,
    **how: Any,
) -> str | None:
    """`manager.add_request`, for a tenant (a path as `acme/search`). The rest is handed on; the answer
    is its answer: the request's id. Raises NotInUseError where the engine would not look at the tenant,
    and ValueError where that is no tenant."""
    ensure_in_use(manager)
    hints = read(told(tenant, lane, application))
    if hints is NO_HINTS:
        raise ValueError(f"evenhand: {tenant!r} is no tenant. Write its path, as acme/search.")
    own_id = f"evenhand-{next(_numbers)}" if request_id is None else request_id
    _notes.write(own_id, hints)
    added = None
    try:
        added = manager.add_request(input_ids, request_id=own_id, **how)
    finally:
        if added is None:
            _notes.forget(own_id)
    return None if added is None else str(added)


def ensure_in_use(manager: Any) -> None:
    """Where transformers does not know a scheduler's name it falls back to its own, with no more than a
    line in its log. Raises NotInUseError."""
    processor = manager.batch_processor
    if processor is not None:
        is_ours = isinstance(processor.scheduler, FairScheduler)
    else:
        asked = manager.continuous_batching_config.scheduler_type
        build = engine_scheduler.SCHEDULER_MAPPING.get(asked)
        is_ours = isinstance(build, partial) and build.func is FairScheduler
    if not is_ours:
        raise NotInUseError(
            "evenhand: this engine uses a scheduler of its own. Call"
            " evenhand.inengine.transformers.register() first, and give it"
            f" ContinuousBatchingConfig(scheduler_type={NAME!r})."
        )


def _refuse_what_cannot_be(settings: InEngineSettings) -> None:
    if settings.hints_secret is not None or settings.keys or settings.header is not None:
        raise InEngineSettingsError(
            "evenhand: hints_secret, keys and header are for vLLM: transformers hands its scheduler"
            " nothing of a request but its id. Leave them out; with trust_hints the id may say"
            " TENANT~UNIQUE."
        )
    if any(caps.thinking_tokens_max is not None for caps in settings.lane_caps.values()):
        raise InEngineSettingsError(
            "evenhand: a lane has thinking_tokens_max, and transformers does not know what is thought"
            " and what is said. Leave it out; output_tokens_max limits both together."
        )
