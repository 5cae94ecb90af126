"""What an engine is believed to hold is what the index was told; and proof that the machine can see."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis.stateful import run_state_machine_as_test

from evenhand.locality.engine_bits import EngineBits
from evenhand.locality.engine_memory import EngineMemory
from evenhand.locality.prefix_index import PrefixIndex
from evenhand.locality.prefix_node import PrefixNode
from properties.prefix_index_machine import LittleRoomMachine, PrefixIndexMachine
from support.stateful_steps import FIND, steps_of


@pytest.mark.timeout(600)
def test_the_index_believes_exactly_what_it_was_told() -> None:
    run_state_machine_as_test(PrefixIndexMachine, settings=steps_of("prefix index"))


@pytest.mark.timeout(600)
def test_in_little_room_it_forgets_only_when_it_must_and_never_what_was_just_inserted() -> None:
    run_state_machine_as_test(LittleRoomMachine, settings=steps_of("prefix index in little room"))


def keeps_all(index: PrefixIndex) -> None:
    """In place of `_make_room`."""


def without_cleaning(index: PrefixIndex, engine: Any) -> None:
    """In place of `forget`: the bit is free, and the nodes still carry it."""
    index._engines.leave(engine)


def drops_one_node(index: PrefixIndex, top: PrefixNode, bit: int) -> None:
    """In place of `_drop`: what continues the prefix is still believed."""
    top.holders ^= bit


def never_merges(node: PrefixNode) -> None:
    """In place of `superfluous_child`."""


def uses_alone(index: PrefixIndex, node: PrefixNode, memory: EngineMemory) -> None:
    """In place of `_use`: the node, and not its parents."""
    if node is not index._root:
        index._nodes.move_to_end(node)
        memory.use(node)


def one_bit_for_all(bits: EngineBits, engine: Any) -> int:
    """In place of `EngineBits.join`."""
    bits._bits[engine] = 1
    bits._names[1] = engine
    return 1


@pytest.mark.parametrize(
    ("owner", "method", "broken"),
    [
        (PrefixIndex, "_make_room", keeps_all),
        (PrefixIndex, "forget", without_cleaning),
        (PrefixIndex, "_drop", drops_one_node),
        (PrefixIndex, "_use", uses_alone),
        (PrefixNode, "superfluous_child", never_merges),
        (EngineBits, "join", one_bit_for_all),
    ],
)
def test_a_broken_index_is_caught(owner: type, method: str, broken: Callable[..., Any]) -> None:
    with patch.object(owner, method, broken), pytest.raises(Exception) as caught:  # noqa: PT011
        run_state_machine_as_test(LittleRoomMachine, settings=FIND)
    assert isinstance(caught.value, AssertionError | KeyError)
