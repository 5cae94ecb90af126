"""One request's time at an engine, and the work that it is known or presumed to have caused there."""

from evenhand.ledger.gpu.owner import GpuOwner
from evenhand.ledger.gpu.pace import Pace


class GpuStay:
    """Its host writes what it sees: `output_tokens` while they come, `answered_us` at the first of
    them. Units are those of the cost: they weigh input, cached input and output against each other."""

    __slots__ = (
        "_booked",
        "answered_us",
        "ended_us",
        "gpu_us",
        "input_units",
        "is_seen",
        "output_tokens",
        "output_tokens_max",
        "owner",
        "since_us",
        "tell",
        "units_per_output",
    )

    def __init__(
        self,
        owner: GpuOwner,
        *,
        input_units: int,
        units_per_output: int,
        output_tokens_max: int,
        is_seen: bool,
        now_us: int,
    ) -> None:
        """`input_units` as expected. `is_seen`: its output is seen as it comes; of any other the whole
        answer comes at once, and until then it is presumed to be as fast as others."""
        self.owner = owner
        self.input_units = input_units
        self.units_per_output = units_per_output
        self.output_tokens_max = output_tokens_max
        self.is_seen = is_seen
        self.output_tokens = 0
        self.since_us = now_us
        self.answered_us: int | None = None
        self.ended_us: int | None = None
        self.gpu_us = 0
        """What it was given so far; all of it when the stretch in which it ended is closed."""
        self._booked = 0
        """Units that earlier stretches were divided by."""

    @property
    def output_units(self) -> int:
        """Of the tokens that have come."""
        return self.output_tokens * self.units_per_output

    def work(self, from_us: int, to_us: int, prompt_pace: Pace, output_pace: Pace) -> int:
        """Units that it caused in this stretch. Once for each, in their order."""
        total = self.input_units + self.output_units
        if self.ended_us is None and self.answered_us is None:
            total = self._presumed(to_us, prompt_pace, output_pace)
        elif self.is_seen and self.answered_us is not None:
            self._teach(max(from_us, self.answered_us), to_us, output_pace)
        new = max(0, total - self._booked)
        self._booked += new
        return new

    def presence_us(self, from_us: int, to_us: int) -> int:
        """How long of this stretch it was there."""
        end_us = to_us if self.ended_us is None else min(to_us, self.ended_us)
        return max(0, end_us - max(from_us, self.since_us))

    def _presumed(self, to_us: int, prompt_pace: Pace, output_pace: Pace) -> int:
        """No word of it has come: how far others would be by now."""
        stayed_us = to_us - self.since_us
        prompt = prompt_pace.units(stayed_us)
        if self.is_seen or prompt < self.input_units:
            return min(self.input_units, prompt)
        # Its prompt is taken to be done; what is left of its time went into its answer.
        answered_us = stayed_us - stayed_us * self.input_units // prompt if prompt else stayed_us
        most = self.output_tokens_max * self.units_per_output
        return self.input_units + min(most, output_pace.units(answered_us))

    def _teach(self, from_us: int, to_us: int, output_pace: Pace) -> None:
        """How fast its answer came, from its first token on."""
        new = self.input_units + self.output_units - self._booked
        output_pace.learn(max(0, min(new, self.output_units)), self.presence_us(from_us, to_us))
