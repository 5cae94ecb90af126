"""What a run of the VTC artifact was run on, by its name: GPU, pool, policy and weights."""

import random
import re
from collections.abc import Callable
from dataclasses import dataclass

from evenhand.scheduling import Policy, compose

PREDICTION_SEED = 42
_SUITE = "all_results_"
_A10G, _A100 = "a10g-llama-2-7b", "a100-llama-2-13b"
_POOL_A10G = 10_000
_WEIGHTED = (1, 2, 3, 4)
_SECTION_6_4 = re.compile(r"sec6\.4/(?P<pool>\d+)/(?P<scheduler>\w+?)(?:-\d+)?(?:/.*)?$")
_VARIANT = re.compile(
    r"(?P<scheduler>[A-Z]\w*?)(?P<prediction>_oracle|_predict|_pred_(?P<percent>\d+))?(?P<profile>_profile)?$"
)
_RATES = re.compile(r"LShare/rpm(?P<limit>\d+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """`weights` of clients 0, 1, ...; all others have 1. An oracle is told lengths that are off by up to
    so many percent."""

    profile: str
    pool_tokens: int
    policy: Policy
    weights: tuple[int, ...] = ()
    prediction_off_percent: int = 0

    def predict(self) -> Callable[[int], int]:
        """What is said of true lengths, each error as likely as the others; anew for each run."""
        if not self.prediction_off_percent:
            return int
        rng = random.Random(PREDICTION_SEED)  # noqa: S311 - no secrets
        part = self.prediction_off_percent / 100
        return lambda tokens: max(1, round(tokens * rng.uniform(1 - part, 1 + part)))


def setup_of(run: str) -> Setup:
    """ValueError: the name says nothing that is known; the message says what names may look like."""
    found = _SECTION_6_4.match(run)
    if found is not None:
        return _setup(run, found["scheduler"], _A100, int(found["pool"]))
    return _setup(run, _scheduler(run), _A10G, _POOL_A10G)


def _scheduler(run: str) -> str:
    """What stands before the suite, if one is named."""
    before, _, after = run.partition(f"/{_SUITE}")
    if after or _RATES.match(before) or "/" not in before:
        return before
    return before.rpartition("/")[0]


def _setup(run: str, scheduler: str, profile: str, pool_tokens: int) -> Setup:
    rates = _RATES.match(scheduler)
    if rates is not None:
        settings = {"requests_per_minute": int(rates["limit"])}
        policy = compose("rpm", prediction="none", settings=settings)
        return Setup(profile=profile, pool_tokens=pool_tokens, policy=policy)
    variant = _VARIANT.match(scheduler)
    if variant is None or variant["scheduler"] not in _PRESETS:
        raise ValueError(
            f"{run}: which scheduler is that? Known are FCFS, LCF, MDRR, VTC and WVTC, these with "
            "_oracle, _predict or _pred_N and with _profile, LShare/rpmN, and "
            "sec6.4/POOL/SCHEDULER-LENGTH."
        )
    preset, weights = _PRESETS[variant["scheduler"]]
    policy = compose(
        preset,
        prediction=_prediction(variant["prediction"]),
        cost="profiled" if variant["profile"] else None,
        settings={"quantum_tokens": pool_tokens // 20} if preset == "drr" else None,
    )
    return Setup(
        profile=profile,
        pool_tokens=pool_tokens,
        policy=policy,
        weights=weights,
        prediction_off_percent=int(variant["percent"] or 0),
    )


_PRESETS: dict[str, tuple[str, tuple[int, ...]]] = {
    "FCFS": ("fcfs", ()),
    "LCF": ("lcf", ()),
    "MDRR": ("drr", ()),
    "VTC": ("vtc", ()),
    "WVTC": ("vtc", _WEIGHTED),
}


def _prediction(suffix: str | None) -> str:
    if suffix is None:
        return "none"
    return "running-mean" if suffix == "_predict" else "oracle"
