"""All workloads that come with Evenhand, by name."""

import difflib

from evenhand.workloads.dlpm.chat import CHAT
from evenhand.workloads.dlpm.judge import JUDGE
from evenhand.workloads.dlpm.qa import QA
from evenhand.workloads.dlpm.tree import TREE
from evenhand.workloads.fairserve.pair import PAIR
from evenhand.workloads.fairserve.platform import PLATFORM
from evenhand.workloads.mix.recipe import MIX
from evenhand.workloads.stories.oncall import ONCALL
from evenhand.workloads.stories.reasoning import REASONING
from evenhand.workloads.vtc.recipes import vtc_recipes
from evenhand.workloads.workload import WorkloadRecipe

WORKLOADS: dict[str, WorkloadRecipe] = {
    recipe.name: recipe
    for recipe in (
        *vtc_recipes(),
        QA,
        TREE,
        JUDGE,
        CHAT,
        PLATFORM,
        PAIR,
        ONCALL,
        REASONING,
        MIX,
    )
}


def recipe_named(name: str) -> WorkloadRecipe:
    """The recipe of that name. ValueError: there is none; the message names what is near."""
    recipe = WORKLOADS.get(name)
    if recipe is None:
        near = difflib.get_close_matches(name, WORKLOADS, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}? " if near else ""
        raise ValueError(f"there is no workload {name}: {hint}`evenhand workloads` lists them")
    return recipe
