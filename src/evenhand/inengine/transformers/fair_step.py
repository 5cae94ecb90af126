"""What the next step holds, and in which order: the rules of `scheduling/batching` in transformers'
terms.

Candidates are taken as they come while there is room, so their order says who is served first. Of those
that find no memory the last are taken back.
"""

from collections.abc import Callable, Iterable
from time import monotonic_ns
from typing import Any

from evenhand.inengine.settings import InEngineSettings
from evenhand.inengine.transformers.record import Record
from evenhand.inengine.transformers.roster import Roster
from evenhand.scheduling.batching import Prefill, StepPace, by_standing, by_turns, chunk_cap

_HEADS_MAX = 16


class FairStep:
    """`done` when a step is over, `plan` before the next. `cap` is the most that it may compute of one
    prompt, None: as much as there is room for."""

    def __init__(self, settings: InEngineSettings, roster: Roster) -> None:
        self.cap: int | None = None
        self._settings = settings
        self._roster = roster
        self._paces: dict[int, StepPace] = {}  # bounded by the lanes
        self._pace: StepPace | None = None
        self._began_ns: int | None = None
        self.prompt_tokens = 0
        """What the step has of prompts so far; the scheduler counts."""

    def plan(
        self, running: Iterable[Any], decoding: object, *, room: int, seats: int
    ) -> tuple[list[Any], int]:
        """Of those that run, with the status `decoding` once they answer, in order; and how many tokens
        the step may hold of all that it has `room` for."""
        records = [self._roster.records[state.request_id] for state in running]
        answers = [record for record in records if record.state.status == decoding]
        prompts = [record for record in records if record.state.status != decoding]
        self._pace = self._pace_now(answers, room)
        self._began_ns, self.prompt_tokens = monotonic_ns(), 0
        budget = max(1, room - len(answers))
        if self._pace is not None:
            budget = min(budget, self._pace.tokens)
        self.cap = self._cap(prompts, budget, seats) if self._settings.fair_batching else None
        standing = self._roster.standings()
        if self._settings.fair_preemption:
            answers = by_standing(answers, lambda record: record.number, standing)
        if self._settings.fair_batching and prompts:
            prompts = self._turns(prompts, standing)
        order = [record.state for record in (*answers, *prompts)]
        return order, min(room, len(answers) + budget)

    def done(self) -> None:
        """The engine's loop has come round: what was planned is computed."""
        began_ns, self._began_ns = self._began_ns, None
        if began_ns is not None and self._pace is not None:
            self._pace.took(self.prompt_tokens, (monotonic_ns() - began_ns) // 1000)

    def _pace_now(self, answers: Iterable[Record], room: int) -> StepPace | None:
        """Of the answers that run, who wants their tokens soonest decides."""
        if not self._settings.fair_batching:
            return None
        targets = {record.caps.inter_token_ms for record in answers} - {None}
        if not targets:
            return None
        target_ms = min(target for target in targets if target is not None)
        pace = self._paces.get(target_ms)
        if pace is None:
            least = min(self._settings.prompt_tokens_min, room)
            pace = StepPace(target_ms * 1000, tokens_min=least, tokens_max=room)
            self._paces[target_ms] = pace
        return pace

    def _cap(self, prompts: Iterable[Record], budget: int, seats: int) -> int | None:
        heads: list[Prefill] = []
        for tenant, waiting in self._roster.waiting.items():
            if len(heads) >= min(seats, _HEADS_MAX):
                break
            heads.append(Prefill(tenant, next(iter(waiting.values())).prompt_left))
        running = [Prefill(record.tenant, record.prompt_left) for record in prompts]
        return chunk_cap(running, heads, budget)

    def _turns(
        self, prompts: Iterable[Record], standing: Callable[[Record], tuple[int, ...]]
    ) -> list[Record]:
        most = 1 << 60 if self.cap is None else self.cap
        return by_turns(
            sorted(prompts, key=lambda record: record.number),
            lambda record: record.tenant,
            lambda record: min(record.prompt_left, most),
            standing,
        )
