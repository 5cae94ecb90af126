"""Nothing lost, nothing counted twice, whatever happens in whatever order."""

import pytest
from hypothesis.stateful import run_state_machine_as_test

from properties.books_machine import BooksMachine
from support.stateful_steps import steps_of


@pytest.mark.timeout(600)
def test_books_agree_whatever_happens() -> None:
    run_state_machine_as_test(BooksMachine, settings=steps_of("books"))
