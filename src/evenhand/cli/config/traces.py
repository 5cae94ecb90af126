"""The `traces` section: requests as OpenTelemetry spans."""

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints, WithJsonSchema

from evenhand.cli.config.scalars import SECTION, Name, Seconds, between
from evenhand.cli.config.secrets import Reference
from evenhand.cli.config.url import BaseUrl

_HEADER = "^[A-Za-z0-9-]{1,64}$"
HeaderName = Annotated[
    str,
    StringConstraints(pattern=_HEADER),
    WithJsonSchema({"type": "string", "pattern": _HEADER, "x-expects": "a header's name"}),
]


class TraceExport(BaseModel):
    """A collector that is sent three spans for each request, after it has ended: the whole, its wait,
    its time at the engine. They hold what the log line holds, and no prompt, answer or key. Needs the
    extra `evenhand[otel]`."""

    model_config = SECTION

    endpoint: BaseUrl
    """The collector's base URL for OTLP over HTTP, such as `http://127.0.0.1:4318`; `/v1/traces` is
    added."""
    headers: Annotated[dict[HeaderName, Reference], Field(max_length=16)] = {}
    """Headers that the collector wants, each a reference to its value, as `{x-api-key: env:OTLP_KEY}`.
    The value of `authorization` is a token, before which `Bearer` is put."""
    sample_percent: Annotated[float, between(0, 100)] = 100
    """Part of the traces that is exported, by the random end of their ids: whoever samples by them in
    the same way picks the same ones. What a client says of sampling does not count."""
    service_name: Name = "evenhand"
    """What the traces call this gateway (`service.name`)."""
    timeout_s: Annotated[Seconds, between(0.1, 60)] = 10
    """Seconds that the collector may take for a batch, repetitions included."""
