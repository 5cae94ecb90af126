"""By which name an engine answers for each model that it is asked for.

Many answer with another name than they were asked by: an alias, a file's name, a dated version. The
first that comes is taken as it is, and so is a new one that nobody else goes by. But who has answered by
one name and answers by the name of another model has answered with another model.
"""

from collections.abc import Iterable

from evenhand.model import ModelName


class AnswerNames:
    """Of one engine. Bounded by its models."""

    def __init__(self, models: Iterable[ModelName]) -> None:
        self._known: dict[ModelName, str | None] = dict.fromkeys(models)

    def is_of_another(self, asked: ModelName, answered: str) -> bool:
        """Whether an answer by that name is another model's; else the name is noted."""
        known = self._known.get(asked)
        if answered == known:
            return False
        if known is not None and answered != asked and self._is_taken(answered, asked):
            return True
        self._known[asked] = answered
        return False

    def forget(self) -> None:
        """The engine has begun anew, perhaps with other models."""
        self._known = dict.fromkeys(self._known)

    def _is_taken(self, answered: str, asked: ModelName) -> bool:
        return any(
            model != asked and answered in (model, name) for model, name in self._known.items()
        )
