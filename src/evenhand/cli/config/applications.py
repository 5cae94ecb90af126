"""The `applications` section: what their calls are expected to use."""

from typing import Annotated

from pydantic import BaseModel

from evenhand.cli.config.scalars import SECTION, Name, between


class Application(BaseModel):
    """An application whose expectation is set for good. Those that are not listed are learned from
    their calls. Only policies with the cost `per-application` read it, such as `wsc` and `fairserve`."""

    model_config = SECTION

    name: Name
    """As keys name it. Unique."""
    expected_units: Annotated[int, between(1, 10**12)]
    """What a call of it is expected to use, in service units of the section `cost`: tokens of input,
    cached input and output, each by its weight."""
