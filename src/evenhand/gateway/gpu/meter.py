"""One engine's GPU time, told of its requests as they come and go."""

from collections.abc import Callable, Iterable

from evenhand.gateway.gpu.told_file import ToldFile
from evenhand.gateway.identity import Identity
from evenhand.ledger import Consumer
from evenhand.ledger.gpu import EngineTime, GpuKind, GpuOwner, GpuPrice, GpuStay, Stretch
from evenhand.model import EngineName, Usage
from evenhand.scheduling import TokenWeights
from evenhand.wire.completion import Completion

_NO_LIMIT = 1 << 30


class GpuMeter:
    """See `EngineTime`; `weights` say what tokens weigh against each other."""

    def __init__(
        self,
        name: EngineName,
        time: EngineTime,
        price: GpuPrice,
        weights: TokenWeights,
        now_us: Callable[[], int],
    ) -> None:
        self.name = name
        self.time = time
        self.price = price
        self._weights = weights
        self.told: ToldFile | None = None
        """Where the engine itself says whose its time was."""
        # Bounded by the keys and the models of the configuration.
        self._owners: dict[tuple[object, ...], GpuOwner] = {}
        # Bounded by what can end in one stretch.
        self._billed: dict[GpuStay, Callable[[int], None]] = {}
        self._now_us = now_us

    def began(self, identity: Identity, completion: Completion, input_tokens: int) -> GpuStay:
        """A request was sent there; how long its prompt is expected to be."""
        model = completion.model
        whose = (identity.key_id, identity.tenant, identity.application, model)
        owner = self._owners.get(whose)
        if owner is None:
            consumer = Consumer(identity.tenant, identity.application, identity.key_id)
            owner = self._owners[whose] = GpuOwner(GpuKind.ESTIMATED, consumer, model)
        most = completion.output_tokens_max
        each = 0 if completion.is_embedding else _NO_LIMIT if most is None else most
        stay = GpuStay(
            owner,
            input_units=input_tokens * self._weights.input,
            units_per_output=self._weights.output,
            output_tokens_max=each * completion.choices,
            is_seen=completion.is_stream,
            now_us=self._now_us(),
        )
        self.time.began(stay)
        return stay

    def answered(self, stay: GpuStay) -> None:
        """The first of its output has come."""
        stay.answered_us = self._now_us()

    def ended(self, stay: GpuStay, usage: Usage | None) -> None:
        """It is there no more. `usage` None: as far as is known it has caused nothing but what was
        seen."""
        if usage is not None:
            new = usage.input_tokens - usage.cached_input_tokens
            weights = self._weights
            stay.input_units = (
                new * weights.input + usage.cached_input_tokens * weights.cached_input
            )
            stay.output_tokens = usage.output_tokens
        elif stay.answered_us is None:
            stay.input_units = 0
        self.time.ended(stay, self._now_us())

    def bill(self, stay: GpuStay, tell: Callable[[int], None]) -> None:
        """Tell how many microseconds of GPUs it was given in all, when that is known; not if none. Call
        when it has ended, and before the next cut."""
        self._billed[stay] = tell

    def cut(self, now_us: int) -> Iterable[Stretch]:
        """What can be booked by now. All of it must be taken."""
        stretch = self.time.close_stretch(now_us)
        for stay in self.time.finished if self._billed else ():
            tell = self._billed.pop(stay, None)
            if tell is not None and stay.gpu_us:
                tell(stay.gpu_us)
        return (stretch,) if self.told is None else self.told.book(stretch)

    def engine_changed(self, *, is_up: bool) -> None:
        """It came up or went down."""
        self.time.engine_changed(self._now_us(), is_up=is_up)
