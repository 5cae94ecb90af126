"""The suite: seeded events against a policy, every promise after every event."""

from collections.abc import Iterable
from itertools import zip_longest
from random import Random

from evenhand.scheduling import Policy
from evenhand.testing.broken_promise import BrokenPromiseError, require
from evenhand.testing.drive import Drive
from evenhand.testing.memory import forgets_who_left
from evenhand.testing.scene import Scene, scenes


def check_policy(policy: Policy, *, steps: int = 1_000, seeds: Iterable[int] = range(4)) -> None:
    """Drive a real scheduler by `steps` random events for each seed: tenants that send, idle and leave,
    a share tree with weights, engines that fail and change, one pool, and several with lanes.

    Raises BrokenPromiseError, an AssertionError, that names the promise, the seed and the step:
    only waiting requests start; no slot idles while somebody waits for it; charges are conserved;
    counters stay within the bound that the policy states; equal events give equal decisions, however
    often it is asked who is next; who left is forgotten; who is refused is told when to come back.
    """
    require(
        policy.order.lifts or not policy.is_fair,
        "a bound needs the lift",
        f"{policy.name} states a bound, and its order {policy.order.name} does not lift who begins to"
        " wait: idling would bank credit without a limit",
    )
    for seed in seeds:
        for scene in scenes(seed):
            first = _decisions(policy, scene, steps, seed)
            again = _decisions(policy, scene, steps, seed, asks_ahead=True)
            _require_equal(policy, seed, first, again)
        _require_forgets(policy, seed)


_Trace = list[tuple[object, ...]]


def _decisions(
    policy: Policy, scene: Scene, steps: int, seed: int, *, asks_ahead: bool = False
) -> _Trace:
    pools = "one pool" if scene.is_one_pool else "several pools"
    dice = Random(seed)  # noqa: S311 - nothing secret is drawn
    drive = Drive(policy, scene, dice, asks_ahead=asks_ahead)
    try:
        for _ in range(steps):
            drive.step()
        drive.end()
    except Exception as error:
        raise _placed(error, policy, f"seed {seed}, {pools}, step {drive.steps}") from error
    return drive.trace


def _require_forgets(policy: Policy, seed: int) -> None:
    try:
        forgets_who_left(policy, seed)
    except Exception as error:
        raise _placed(error, policy, f"seed {seed}, waves of requests") from error


def _placed(error: Exception, policy: Policy, where: str) -> BrokenPromiseError:
    """The same fault with the place at which it shows."""
    if isinstance(error, BrokenPromiseError):
        return BrokenPromiseError(error.promise, f"{error.detail} ({policy.name}, {where})")
    detail = f"{type(error).__name__}: {error} ({policy.name}, {where})"
    return BrokenPromiseError("a policy does not fail", detail)


def _require_equal(policy: Policy, seed: int, first: _Trace, second: _Trace) -> None:
    for one, other in zip_longest(first, second):
        require(
            one == other,
            "equal events give equal decisions",
            f"once {one}, once, asked before who is next, {other} ({policy.name}, seed {seed})",
        )
