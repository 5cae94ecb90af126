"""Whether the fair run kept its promise: the chat is quick, and nobody paid for it."""

from dataclasses import dataclass

from evenhand.cli.demo.figures import RunFigures

TTFT_RATIO_MAX = 1 / 8
THROUGHPUT_RATIO_MIN = 0.9
FAILED_SHARE_MAX = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Ratios are fair over control; None where a figure is missing. `reason` is for people."""

    is_pass: bool
    ttft_ratio: float | None
    throughput_ratio: float | None
    reason: str


def judge(
    fair: RunFigures,
    control: RunFigures,
    *,
    victim: str,
    policy: str,
    url_window: int | None = None,
) -> Verdict:
    """Compare the fair run with the control. `victim` is the tenant that must not wait.

    `url_window` is the window of an engine of the user's, who may have chosen it badly.
    """
    fair_p50 = fair.tenants[victim].ttft_p50
    control_p50 = control.tenants[victim].ttft_p50
    throughput = fair.tokens_per_s / control.tokens_per_s if control.tokens_per_s else None
    if not fair_p50 or not control_p50 or not control_p50.value or throughput is None:
        return Verdict(
            is_pass=False,
            ttft_ratio=None,
            throughput_ratio=throughput,
            reason=f"Nothing to compare: {victim} got no answer; see the failures above.",
        )
    ratio = fair_p50.value / control_p50.value
    faults = [
        *_failures(fair, control),
        *([f"an eighth of the wait ({policy} must reach it)"] if ratio > TTFT_RATIO_MAX else []),
        *(["90 % of the throughput"] if throughput < THROUGHPUT_RATIO_MIN else []),
    ]
    facts = (
        f"With {policy} the {victim} waits {_seconds(fair_p50.value)} for its first token instead"
        f" of {_seconds(control_p50.value)} (median, {_part(ratio)}), at"
        f" {throughput * 100:.0f} % of the throughput"
    )
    return Verdict(
        is_pass=not faults,
        ttft_ratio=ratio,
        throughput_ratio=throughput,
        reason=(
            f"{facts}; missed: {'; '.join(faults)}.{_advice(url_window)}" if faults else f"{facts}."
        ),
    )


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
