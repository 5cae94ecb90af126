"""The `alarms` section: from where on something is wrong."""

from typing import Annotated

from pydantic import BaseModel

from evenhand.cli.config.scalars import SECTION, Seconds, between


class Alarms(BaseModel):
    """What the gateway itself raises alarms for: `/api/v1/alarms`, `evenhand top`, the log and
    `evenhand_alarms` tell them. A threshold of `null` turns its alarm off."""

    model_config = SECTION

    for_s: Annotated[Seconds, between(1, 3_600)] = 10
    """Seconds that something must last before it is an alarm, and be over before the alarm ends."""
    ttft_p99_s: Annotated[Seconds, between(0.001, 3_600)] | None = 10
    """Of one tenant, over the last minute: seconds from a request to its first token."""
    inter_token_p99_s: Annotated[Seconds, between(0.001, 3_600)] | None = 0.5
    """Of one tenant, over the last minute: seconds between tokens of one answer."""
    queue_wait_p99_s: Annotated[Seconds, between(0.001, 3_600)] | None = 30
    """Of one tenant, over the last minute: seconds in the queue."""
    oldest_wait_s: Annotated[Seconds, between(0.001, 86_400)] | None = 60
    """Seconds that a request waits at this moment."""
    kv_share_percent: Annotated[int, between(1, 100)] | None = 80
    """Part of the engines' memory that one tenant's requests hold, as estimated, while others wait and
    its weight does not promise it as much."""
    dominant_share_percent: Annotated[int, between(1, 100)] | None = 80
    """Part of the last minute's service that one tenant got, while others wait and its weight does not
    promise it as much."""
    fairness_5min_percent: Annotated[int, between(1, 100)] | None = 80
    """The least index of fairness over five minutes; 100 is perfect."""
    fairness_1s_percent: Annotated[int, between(1, 100)] | None = 40
    """The same over one second, in each of `for_s` seconds in a row."""
    preemptions_per_minute: Annotated[int, between(1, 1_000_000)] | None = 30
    """Requests that one engine took off for want of memory, in a minute."""
