"""Label values that stand for many, kept apart from names that somebody chose."""

OTHER = "other"
"""All that have no series of their own."""

NO_MODEL = "none"
"""Requests that ended before a model was known."""


def distinct(name: str, *reserved: str) -> str:
    """Give the label value of a configured name. One that is called like a reserved value gets a leading
    slash, which no tenant's path and no configured model begins with."""
    return f"/{name}" if name in reserved else name
