"""The pages with derivations, which ship beside the code."""

import re
from importlib.resources import files

from evenhand.scheduling import Policy

_SECTIONS = ("Idea", "Rule")
_LINK = re.compile(r"\[([^]]*)\]\([^)]*\)")


def page_text(policy: Policy) -> str:
    """The whole page; empty where the policy names none that is there."""
    if not policy.page:
        return ""
    page = files("evenhand.scheduling").joinpath(policy.page)
    return page.read_text(encoding="utf-8") if page.is_file() else ""


def summary(policy: Policy) -> str:
    """The sections *Idea* and *Rule* as Markdown without links, which lead nowhere from a terminal."""
    _, *sections = re.split(r"^## ", page_text(policy), flags=re.MULTILINE)
    told = [section for section in sections if section.partition("\n")[0].strip() in _SECTIONS]
    return _LINK.sub(r"\1", "".join(f"## {section}" for section in told)).strip()
