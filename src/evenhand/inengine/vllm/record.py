"""What is known of one request from its arrival to its end."""

from vllm.v1.request import Request

from evenhand.inengine.accounts import Positions
from evenhand.inengine.settings import LaneCaps
from evenhand.inengine.step_time import StepOwner
from evenhand.model import ApplicationName, LaneName, TenantPath


class Record:
    """`number` is by arrival. `cached_tokens` of its prompt are known when it has begun; `cached_guess`
    is what was in the cache when it was looked up before."""

    __slots__ = (
        "cached_guess",
        "cached_tokens",
        "caps",
        "gpu_owner",
        "group",
        "number",
        "positions",
        "prefix",
        "request",
        "tenant",
    )

    def __init__(
        self,
        request: Request,
        group: tuple[TenantPath, LaneName],
        caps: LaneCaps,
        number: int,
        prefix: bytes,
        *,
        application: ApplicationName,
    ) -> None:
        self.request = request
        self.tenant = group[0]
        self.gpu_owner = StepOwner(group[0], application)
        """Whose time its steps are."""
        self.group = group
        """Requests that stand alike."""
        self.caps = caps
        self.number = number
        self.prefix = prefix
        self.positions = Positions()
        self.cached_tokens: int | None = None
        self.cached_guess: int | None = None

    @property
    def prompt_left(self) -> int:
        """Tokens to be computed before it answers on, as far as is known."""
        request = self.request
        return int(request.num_tokens - request.num_computed_tokens)
