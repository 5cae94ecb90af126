"""Whether the run kept its promise, the chat is quick and nobody paid for it, or what it lacks."""

from dataclasses import dataclass

from evenhand.cli.demo.figures import RunFigures

TTFT_RATIO_MAX = 1 / 8
THROUGHPUT_RATIO_MIN = 0.9
FAILED_SHARE_MAX = 0.01


SHARE_RECEIVED_MIN = 0.8
"""Of what it was due; below it a tenant is told to lack its share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Ratios are of the policy's run over the control; None where a figure is missing. `reason` is for
    people. `is_promised`: the policy states a bound, so that a miss is its fault."""

    is_pass: bool
    is_promised: bool = True
    has_failures: bool = False
    ttft_ratio: float | None
    throughput_ratio: float | None
    reason: str

    @property
    def is_kept(self) -> bool:
        """Whether it went as promised; where nothing is, whether all went through."""
        return self.is_pass if self.is_promised else not self.has_failures


def judge(
    run: RunFigures,
    control: RunFigures,
    *,
    victim: str,
    policy: str,
    is_promised: bool = True,
    url_window: int | None = None,
) -> Verdict:
    """Compare the run with the control. `victim` is the tenant that must not wait.

    `url_window` is the window of an engine of the user's, who may have chosen it badly.
    """
    p50, control_p50 = run.tenants[victim].ttft_p50, control.tenants[victim].ttft_p50
    throughput = run.tokens_per_s / control.tokens_per_s if control.tokens_per_s else None
    failures = _failures(run, control)
    if not p50 or not control_p50 or not control_p50.value or throughput is None:
        return Verdict(
            is_pass=False,
            is_promised=is_promised,
            has_failures=bool(failures),
            ttft_ratio=None,
            throughput_ratio=throughput,
            reason=f"Nothing to compare: {victim} got no answer; see the notes above.",
        )
    ratio = p50.value / control_p50.value
    faults = [*failures, *_slow(ratio, throughput)]
    facts = (
        f"With {policy} the {victim} waits {_seconds(p50.value)} for its first token instead"
        f" of {_seconds(control_p50.value)} (median, {_part(ratio)}), at"
        f" {throughput * 100:.0f} % of the throughput"
    )
    if not is_promised:
        reason = f"{facts}. {_lacks(run, policy, faults)}"
    elif faults:
        reason = f"{facts}; missed: {'; '.join(faults)}.{_advice(url_window)}"
    else:
        reason = f"{facts}."
    return Verdict(
        is_pass=not faults,
        is_promised=is_promised,
        has_failures=bool(failures),
        ttft_ratio=ratio,
        throughput_ratio=throughput,
        reason=reason,
    )


def of_control(alone: RunFigures, control: RunFigures, *, victim: str) -> Verdict:
    """What neighbours do where nothing is done about them."""
    p50, alone_p50 = control.tenants[victim].ttft_p50, alone.tenants[victim].ttft_p50
    waits = " and ".join(
        f"{_seconds(quantile.value)} {word}"
        for quantile, word in ((p50, "with neighbours"), (alone_p50, "alone"))
        if quantile is not None
    )
    return Verdict(
        is_pass=False,
        is_promised=False,
        has_failures=bool(_failures(alone, control)),
        ttft_ratio=None,
        throughput_ratio=None,
        reason=(
            f"fcfs is the control that all others are compared with, so it ran alone: the {victim}"
            f" waits {waits or 'without an answer'} for its first token (median). It states no bound."
        ),
    )


def _slow(ratio: float, throughput: float) -> list[str]:
    return [
        *(["an eighth of the wait"] if ratio > TTFT_RATIO_MAX else []),
        *(["90 % of the throughput"] if throughput < THROUGHPUT_RATIO_MIN else []),
    ]


def _lacks(run: RunFigures, policy: str, faults: list[str]) -> str:
    """What a policy without a bound leaves to be desired under this load."""
    short = [
        f"the share of {name} (got {row.share_received * 100:.0f} % of the work, was due"
        f" {row.share_promised * 100:.0f} %)"
        for name, row in run.tenants.items()
        if row.share_received < SHARE_RECEIVED_MIN * row.share_promised
    ]
    lacking = [*faults, *short]
    if not lacking:
        return (
            f"{policy} states no bound: it did well here, and another load may show it otherwise."
        )
    return f"{policy} states no bound, and it lacks: {'; '.join(lacking)}."


def _advice(url_window: int | None) -> str:
    if url_window is None:
        return ""
    return (
        f" The window was {url_window} requests at a time: give --window N, about as many as the"
        " engine computes at once, and try again; in a larger one they queue inside the engine,"
        " a smaller one leaves it idle."
    )


def _failures(*runs: RunFigures) -> list[str]:
    worst = max(
        (
            tenant.failed / tenant.sent
            for run in runs
            for tenant in run.tenants.values()
            if tenant.sent
        ),
        default=0.0,
    )
    return (
        [f"runs without failures ({worst * 100:.0f} % failed)"] if worst > FAILED_SHARE_MAX else []
    )


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value >= 1 else f"{value * 1000:.0f} ms"


def _part(ratio: float) -> str:
    return f"1/{1 / ratio:.0f} of it" if ratio < 2 / 3 else f"{ratio:.1f} times as long"
