"""Why a file cannot be replayed."""


class EventLogError(Exception):
    """The file is no event log, is damaged, or needs what is not here. The message says which line and
    what is wrong with it."""
