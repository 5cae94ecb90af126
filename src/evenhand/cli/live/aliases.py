"""Names of models while they are in use: a request that is read already keeps its model."""

from evenhand.cli.composition import model_aliases
from evenhand.cli.config import Config
from evenhand.cli.config.problem import Finding
from evenhand.cli.live.participant import Apply
from evenhand.gateway.gateway import Gateway


class Aliases:
    """See `Participant`."""

    sections = frozenset({"aliases"})

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def plan(self, old: Config, new: Config) -> Apply | list[Finding]:
        del old  # aliases are put in force whole
        aliases = model_aliases(new)
        return lambda: self._gateway.rename(aliases)
