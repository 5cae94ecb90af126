"""The page `docs/workloads.md`, made from the code."""

from collections.abc import Iterable, Iterator

from evenhand.cli.workloads.portrait import default_in_words, span_in_words
from evenhand.workloads.catalog import WORKLOADS
from evenhand.workloads.workload import WorkloadRecipe

_HEAD = """\
# Workloads

Generated from `src/evenhand/workloads` by `make docs`; do not edit.

What the simulator can replay by name. All of it is *synthetic*: drawn from published figures, with a
seed; the same seed gives the same requests in every process. Where a source does not publish what
it takes, it is ours, and its row says so. Dials turn it:

```
evenhand workloads                    # the table below
evenhand workloads dlpm/tree          # its dials, and what it adds up to
evenhand simulate dlpm/tree --policy vtc,dlpm --engine a100-llama-3.1-8b --set pattern=s2
```

A dial or a value that does not exist is refused with what to write instead.
"""


def workloads_text() -> str:
    """The page as Markdown."""
    parts = [_HEAD, _table(WORKLOADS.values())]
    for recipe in WORKLOADS.values():
        parts += _recipe(recipe)
    return "\n".join(parts)


def _table(recipes: Iterable[WorkloadRecipe]) -> str:
    rows = [
        f"| [`{recipe.name}`](#{_anchor(recipe.name)}) | {_cell(recipe.summary)} "
        f"| {_cell(recipe.source)} |"
        for recipe in recipes
    ]
    head = ["| workload | what it sends | source |", "|---|---|---|"]
    return "\n".join([*head, *rows]) + "\n"


def _recipe(recipe: WorkloadRecipe) -> Iterator[str]:
    yield f"## {recipe.name}\n"
    yield f"{recipe.summary[:1].upper()}{recipe.summary[1:]}. Source: {recipe.source}.\n"
    rows = ["| dial | default | range | meaning |", "|---|---|---|---|"]
    rows += [
        f"| `{dial.name}` | {default_in_words(dial)} | {span_in_words(dial)} | {_cell(dial.meaning)} |"
        for dial in recipe.dials
    ]
    if recipe.dials:
        yield "\n".join(rows) + "\n"


def _anchor(name: str) -> str:
    """As GitHub makes it of a headline."""
    return "".join(letter for letter in name if letter.isalnum() or letter in "-_")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
