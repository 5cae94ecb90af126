"""The contract with transformers: what is used of it is there, and an unknown release is refused."""

from importlib.metadata import version
from types import SimpleNamespace

import pytest
from transformers.generation.continuous_batching import requests as engine_requests
from transformers.generation.continuous_batching import scheduler as engine_scheduler

from evenhand.inengine.transformers import UnsupportedVersionError, versions

PARTS = vars(engine_scheduler) | vars(engine_requests)


def test_the_installed_release_is_one_that_was_tried() -> None:
    versions.check()
    versions.check_parts(PARTS)


@pytest.mark.parametrize("unknown", ["4.57.1", "5.16.2", "5.999.0", "6.0.0", "5.24.0.dev0"])
def test_an_unknown_release_is_refused(unknown: str) -> None:
    with pytest.raises(UnsupportedVersionError, match=f"{unknown} was not tried"):
        versions.check(unknown)


@pytest.mark.parametrize(
    ("owner", "attribute"),
    [("Scheduler", "_infer_request_tokens"), ("RequestState", "create_equivalent_initial_request")],
)
def test_a_release_that_lacks_something_is_refused(owner: str, attribute: str) -> None:
    attributes = {name: name for name in dir(PARTS[owner]) if name != attribute}
    lacking = {**PARTS, owner: SimpleNamespace(**attributes)}
    says = f"{version('transformers')} has no {owner}.{attribute}"
    with pytest.raises(UnsupportedVersionError, match=says):
        versions.check_parts(lacking)
