"""Why the state cannot be used, in words for the operator."""


class StateProblemError(Exception):
    """The message says what is wrong with the state folder or its database, and what to do."""


class KeyProblemError(StateProblemError):
    """It is the key that was named: there is none, or it has ended. The state is well."""


class NotAsAskedError(StateProblemError):
    """What is asked for cannot be; the state is sound, and another question has an answer."""
