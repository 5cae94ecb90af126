"""Which models are served, and by which other names they may be asked for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from evenhand.gateway.identity import Identity
from evenhand.model import ModelName


@dataclass(frozen=True, slots=True)
class Served:
    """`aliases` are other names, each with the model that it stands for. Rights, prices and the books go
    by the model."""

    models: frozenset[ModelName]
    aliases: Mapping[ModelName, ModelName] = field(default_factory=dict)

    def to(self, identity: Identity) -> list[ModelName]:
        """Every name that a key may ask for, in order."""
        models = self.models if identity.models is None else self.models & identity.models
        others = (name for name, model in self.aliases.items() if model in models)
        return sorted({*models, *others})
