"""The controller of one engine's window: how many requests may be in flight there. Rule: window.md."""

from evenhand.model import EngineReport, RequestId
from evenhand.scheduling.window.evidence import Evidence
from evenhand.scheduling.window.limits import WindowLimits
from evenhand.scheduling.window.own_signals import OwnSignals
from evenhand.scheduling.window.reason import WindowReason
from evenhand.scheduling.window.told_queue import ToldQueue

STALE_US = 5_000_000
"""An engine that has told of itself and is silent for so long is given less."""
_FORGOTTEN_US = 60_000_000
_SHRINK_EVERY_US = 1_000_000
_PREEMPTION_EVERY_US = 2_000_000
_DOUBLES_BELOW = 32
_CALM_ROUNDS = 2
_CAREFUL_ROUNDS = 6
_MEMORY_HIGH_PERMILLE = 950
_MEMORY_FULL_PERMILLE = 970


class WindowControl:
    """Pure: microseconds of one clock are arguments. The host tells it of each of its requests there
    (`started`, `first_token`, `ended`), of each report (`heard`), and lets it `look` a few times a
    second; `window` is the answer at any time.

    `in_flight` are the host's own requests at the engine, `is_awaited`: somebody waits who could run
    there.
    """

    def __init__(self, limits: WindowLimits) -> None:
        self.limits = limits
        self._own = OwnSignals()
        self._told = ToldQueue()
        self._slots = limits.slots
        self.window = limits.start(limits.slots)
        self.reason = WindowReason.START
        self.changes = dict.fromkeys(WindowReason, 0)
        """How often the window was changed, by reason."""
        self._disproved_slots = 0
        self._told_us: int | None = None
        self._stale_floor: int | None = None
        self._before_silence: int | None = None
        self._shrunk_us = self._preempted_us = 0
        self._doubles = self._slots is None
        self._calm_rounds = 0
        self._step = 1
        self._is_awaited = False

    @property
    def may_take_more(self) -> bool:
        """Whether it is not known to be as full as it can be: the window is opening by leaps, or closed
        for want of news (where slots are known: to these, and then it is full). What waits for it then
        says nothing of an overload."""
        if self._stale_floor is not None:
            return self._slots is None
        return (self._doubles or self._step > 2) and self.window < self.limits.most(self._slots)

    @property
    def waiting_inside(self) -> int:
        """How many requests the engine holds and does not work on, as far as it tells."""
        return self._told.waiting if self._told_us is not None else 0

    # What happens.

    def came_up(self) -> None:
        """It was down, and is not any more: that it was silent meanwhile says nothing."""
        self._told_us = self._stale_floor = self._before_silence = None

    def started(self, request_id: RequestId, prompt_tokens: int | None, now_us: int) -> None:
        """A request was sent; `prompt_tokens` if its answer is streamed, else None."""
        self._own.started(request_id, prompt_tokens, now_us)

    def first_token(self, request_id: RequestId, now_us: int) -> None:
        """Of a streamed answer. Once."""
        self._own.first_token(request_id, now_us, is_calm=not self._is_awaited)

    def ended(self, request_id: RequestId, answer_tokens: int | None, now_us: int) -> None:
        """A request has left the engine; `answer_tokens` None: without a whole answer. Once."""
        self._own.ended(request_id, answer_tokens, now_us, is_calm=not self._is_awaited)

    def heard(
        self, report: EngineReport | None, *, in_flight: int, is_awaited: bool, now_us: int
    ) -> int:
        """The engine has told of itself; None: it has ceased to. The window from now on."""
        self._is_awaited = is_awaited
        if report is None:
            if self._told_us is not None:
                self._told_us = min(self._told_us, now_us - STALE_US)
            return self.look(in_flight=in_flight, is_awaited=is_awaited, now_us=now_us)
        self._learn_slots(report, now_us)
        evidence = self._told.heard(report, in_flight)
        if evidence is None:
            return self.look(in_flight=in_flight, is_awaited=is_awaited, now_us=now_us)
        self._told_us, self._stale_floor = now_us, None
        if self._before_silence is not None:
            self._try_again(self._before_silence, evidence, now_us)
        if not evidence.has_room:
            self._calm_rounds = 0
        if self._told.preempted:
            self._preempted(in_flight, now_us)
            return self.window
        memory = report.kv_used_permille or 0
        if memory >= _MEMORY_FULL_PERMILLE and evidence.waiting <= evidence.most:
            self._close(in_flight - 1, WindowReason.MEMORY, now_us)
        elif memory >= _MEMORY_HIGH_PERMILLE and evidence.has_room:
            self._hold()
        else:
            self._follow(evidence, in_flight, WindowReason.ENGINE_QUEUE, now_us)
        return self.window

    def look(self, *, in_flight: int, is_awaited: bool, now_us: int) -> int:
        """Some time has passed. The window from now on."""
        self._is_awaited = is_awaited
        silent_us = 0 if self._told_us is None else now_us - self._told_us
        if silent_us > _FORGOTTEN_US:
            self._told_us = self._stale_floor = self._before_silence = None
        if self._told_us is not None and self._told.is_credible:
            if silent_us >= STALE_US:
                self._shrink(now_us)
            return self.window
        evidence = self._own.evidence(self.window, now_us)
        self._follow(evidence, in_flight, WindowReason.SLOW_ANSWERS, now_us)
        return self.window

    # What is done about it.

    def _follow(
        self, evidence: Evidence, in_flight: int, closes_for: WindowReason, now_us: int
    ) -> None:
        if evidence.waiting > evidence.most:
            self._close(in_flight - evidence.waiting + evidence.target, closes_for, now_us)
        elif evidence.waiting >= evidence.target:
            self._hold()
        elif evidence.has_room:
            if self._is_awaited and self.limits.is_full(in_flight, self.window):
                self._open(now_us)
            else:
                self._own.begin_round(now_us)

    def _open(self, now_us: int) -> None:
        """By as much again, or a quarter of much, while nothing has ever waited; then by one, two, four,
        as long as there is room."""
        self._calm_rounds += 1
        if self._doubles:
            by = self.window if self.window < _DOUBLES_BELOW else self.window // 4
            self._change(self.window + by, WindowReason.ROOM, now_us)
        elif self._calm_rounds > _CALM_ROUNDS:
            self._change(self.window + self._step, WindowReason.ROOM, now_us)
            if self._calm_rounds > _CAREFUL_ROUNDS:
                self._step = min(2 * self._step, max(1, self.window // 4))

    def _close(self, window: int, reason: WindowReason, now_us: int) -> None:
        self._hold()
        if window < self.window:
            self._change(window, reason, now_us)

    def _hold(self) -> None:
        self._doubles = False
        self._calm_rounds, self._step = 0, 1

    def _preempted(self, in_flight: int, now_us: int) -> None:
        self._hold()
        if now_us - self._preempted_us >= _PREEMPTION_EVERY_US:
            self._preempted_us = now_us
            cut = max(1, in_flight // 16)
            holds = in_flight - self._told.waiting
            self._close(holds - cut, WindowReason.PREEMPTION, now_us)

    def _shrink(self, now_us: int) -> None:
        """By an eighth a second, to a quarter of what it was, or to the slots."""
        if self._stale_floor is None:
            self._stale_floor = self._slots or self.window // 4
            self._before_silence = self._before_silence or self.window
        if now_us - self._shrunk_us < _SHRINK_EVERY_US:
            return
        self._shrunk_us = now_us
        smaller = max(self._stale_floor, self.window - max(1, self.window // 8))
        if smaller < self.window:
            self._close(smaller, WindowReason.STALE, now_us)

    def _try_again(self, window: int, evidence: Evidence, now_us: int) -> None:
        """It tells of itself again: if it has room, what was right before may be so still."""
        if evidence.has_room and window > self.window:
            self._change(window, WindowReason.ROOM, now_us)
        if evidence.has_room or evidence.waiting:
            self._before_silence = None

    def _change(self, window: int, reason: WindowReason, now_us: int) -> None:
        fitting = min(self.limits.fitting(window), self.limits.most(self._slots))
        if fitting != self.window:
            self.window, self.reason = fitting, reason
            self.changes[reason] += 1
        self._own.begin_round(now_us)

    def _learn_slots(self, report: EngineReport, now_us: int) -> None:
        """Slots are believed until more runs than there are."""
        slots = self.limits.slots or report.slots or self._slots
        if slots is None or slots <= self._disproved_slots:
            return
        if report.running is not None and report.running > slots:
            self._disproved_slots, self._slots = slots, None
        elif slots != self._slots:
            self._slots, self._doubles = slots, False
            self._change(self.limits.start(slots), WindowReason.START, now_us)
