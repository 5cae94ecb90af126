"""Nothing lost, nothing counted twice, whatever happens in whatever order."""

from hypothesis import settings

from properties.books_machine import BooksMachine

TestBooks = BooksMachine.TestCase
TestBooks.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
