"""Secrets are compared in constant time: no `==` touches one."""

import ast
from itertools import pairwise
from pathlib import Path

import pytest

import evenhand.gateway.admin.credential
import evenhand.gateway.identity
import evenhand.stores.key_text
import evenhand.stores.pepper

FILES = [
    evenhand.gateway.identity.__file__,
    evenhand.gateway.admin.credential.__file__,
    evenhand.stores.pepper.__file__,
    evenhand.stores.key_text.__file__,
]


def unsafe_comparisons(source: str) -> list[str]:
    """Comparisons that stop at the first difference, of anything but what the source itself shows."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            for operator, pair in zip(node.ops, pairwise(sides), strict=True):
                if isinstance(operator, ast.Eq | ast.NotEq) and not any(map(_is_public, pair)):
                    found.append(ast.unparse(node))
    return found


def _is_public(side: ast.expr) -> bool:
    """A constant, by value or by name, or the length of something."""
    match side:
        case ast.Constant() | ast.Call(func=ast.Name("len")):
            return True
        case ast.Name(name):
            return name.isupper()
    return False


def calls_of(source: str, name: str) -> int:
    calls = [node.func for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    return sum(isinstance(call, ast.Attribute) and call.attr == name for call in calls)


@pytest.mark.parametrize("file", FILES, ids=lambda file: Path(file).stem)
def test_keys_and_credential_are_compared_in_constant_time(file: str) -> None:
    source = Path(file).read_text()
    assert not unsafe_comparisons(source)
    assert calls_of(source, "compare_digest") == 1


@pytest.mark.parametrize(
    "line",
    ["holder.digest == digest", "key != self._key", "'' == a == b", "x == 1 and token == other"],
)
def test_the_search_finds_what_it_is_for(line: str) -> None:
    assert unsafe_comparisons(line)
