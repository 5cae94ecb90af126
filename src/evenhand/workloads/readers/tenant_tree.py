"""Tenants as their paths appear in a trace, and the tree of shares that they make."""

from evenhand.model import TenantPath
from evenhand.scheduling import TenantShare

_NAME_CHARS_MAX = 200


class TenantTree:
    """Numbers for paths, in order of first appearance."""

    def __init__(self) -> None:
        self.paths: list[TenantPath] = []
        self._numbers: dict[str, int] = {}
        self._weights: dict[TenantPath, int] = {}
        self._inner: set[TenantPath] = set()

    def number(self, written: str, weights: tuple[int, ...]) -> int:
        """Of the tenant `written` as a path. ValueError: that is no path, or it contradicts what was
        said of it before; nothing has changed then."""
        number = self._numbers.get(written)
        if number is None:
            path = _path(written)
            self._check(path)
        else:
            path = self.paths[number]
        if weights:
            self._weigh(path, weights)
        if number is None:
            number = self._numbers[written] = len(self.paths)
            self.paths.append(path)
            self._inner.update(path[:depth] for depth in range(1, len(path)))
        return number

    def shares(self) -> tuple[TenantShare, ...]:
        """The tree; who was given no weight has 1."""
        children: dict[TenantPath, dict[str, None]] = {}
        for path in self.paths:
            for depth in range(len(path)):
                children.setdefault(path[:depth], {})[path[depth]] = None

        def beneath(path: TenantPath) -> tuple[TenantShare, ...]:
            return tuple(
                TenantShare(
                    name=name,
                    weight=self._weights.get((*path, name), 1),
                    children=beneath((*path, name)),
                )
                for name in children.get(path, ())
            )

        return beneath(())

    def _check(self, path: TenantPath) -> None:
        if path in self._inner:
            raise ValueError(f"tenant {'/'.join(path)} has tenants beneath it, so it cannot ask")
        for depth in range(1, len(path)):
            if "/".join(path[:depth]) in self._numbers:
                above = "/".join(path[:depth])
                raise ValueError(
                    f"tenant {above} asks itself, so {path[depth]} cannot be beneath it"
                )

    def _weigh(self, path: TenantPath, weights: tuple[int, ...]) -> None:
        """One weight is the leaf's; as many as names, each node's."""
        if len(weights) not in (1, len(path)):
            raise ValueError(
                f"{len(weights)} weights for the {len(path)} names of {'/'.join(path)}"
            )
        nodes = [path[: len(path) - len(weights) + 1 + n] for n in range(len(weights))]
        for node, weight in zip(nodes, weights, strict=True):
            known = self._weights.get(node, weight)
            if known != weight:
                raise ValueError(f"weight of {'/'.join(node)} is {weight}, and was {known} before")
        self._weights.update(zip(nodes, weights, strict=True))


def _path(written: str) -> TenantPath:
    path = tuple(written.split("/"))
    if not all(path) or len(written) > _NAME_CHARS_MAX:
        raise ValueError(f"tenant {written[:40]!r} is not a path of names")
    return path
