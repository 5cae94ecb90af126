"""The least value of a function of a few numbers, without derivatives (Nelder and Mead's simplex)."""

from collections.abc import Callable, Sequence
from operator import itemgetter

Point = tuple[float, ...]

_ROUNDS_MAX = 100
_ENOUGH = 2e-3


def least(
    function: Callable[[Point], float], start: Sequence[float], reach: Sequence[float]
) -> tuple[float, Point]:
    """The least value that is found, and where. `reach` is how far along each axis the search looks
    first; it ends when all corners are as near to each other as makes no difference."""
    corners = [tuple(start)]
    for axis, distance in enumerate(reach):
        corners.append(tuple(x + distance * (axis == i) for i, x in enumerate(start)))
    simplex = [(function(corner), corner) for corner in corners]
    for _ in range(_ROUNDS_MAX):
        simplex.sort(key=itemgetter(0))
        (lowest, best), (highest, worst) = simplex[0], simplex[-1]
        if all(
            abs(x - y) < _ENOUGH for _, corner in simplex for x, y in zip(corner, best, strict=True)
        ):
            break
        middle = _middle([corner for _, corner in simplex[:-1]])
        found = _tried(function, _along(worst, middle, 2.0))
        if found[0] < lowest:
            further = _tried(function, _along(worst, middle, 3.0))
            simplex[-1] = min(found, further, key=itemgetter(0))
        elif found[0] < simplex[-2][0]:
            simplex[-1] = found
        else:
            outside = found[0] < highest
            nearer = _tried(function, _along(worst, middle, 1.5 if outside else 0.5))
            if nearer[0] < min(found[0], highest):
                simplex[-1] = nearer
            else:
                simplex[1:] = [_tried(function, _along(c, best, 0.5)) for _, c in simplex[1:]]
    return min(simplex, key=itemgetter(0))


def _tried(function: Callable[[Point], float], at: Point) -> tuple[float, Point]:
    return function(at), at


def _along(begin: Point, end: Point, share: float) -> Point:
    """The point that lies so far on the way."""
    return tuple(x + share * (y - x) for x, y in zip(begin, end, strict=True))


def _middle(points: Sequence[Point]) -> Point:
    return tuple(sum(values) / len(points) for values in zip(*points, strict=True))
