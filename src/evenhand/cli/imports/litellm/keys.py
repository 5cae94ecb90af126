"""Exports of keys and teams: teams and users become tenants, limits become limits and budgets.

LiteLLM keeps no secrets of keys, only hashes. So each key refers to an environment variable, into which
its secret has to be put; the clients keep theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from evenhand.cli.config.problem import Place
from evenhand.cli.imports.litellm.deployments import Deployments
from evenhand.cli.imports.litellm.values import (
    amount,
    count,
    items,
    mapping,
    money,
    name_of,
    period,
    text,
    variable_of,
)
from evenhand.cli.imports.notes import Notes

_RATES: Final = (
    "shares and lanes bound what a tenant gets while others want it; there is no rate a key"
)
_REASONS: Final = {
    "tpm_limit": _RATES,
    "rpm_limit": _RATES,
    "expires": "a key of the file has no end: make it with `evenhand keys create --expires`",
    "aliases": "names of models are the same for every key: see `aliases`",
    "spend": "what was spent there is not counted here: budgets begin anew",
    "soft_budget": "a budget is exceeded softly with `mode: soft`, at its own amount",
}
_READ: Final = frozenset(
    {
        *(
            "token",
            "key_name",
            "key_alias",
            "team_id",
            "team_alias",
            "user_id",
            "models",
            "blocked",
        ),
        *(
            "max_budget",
            "budget_duration",
            "budget_reset_at",
            "max_parallel_requests",
            "created_at",
        ),
        *("updated_at", "created_by", "updated_by", "last_active", "user_email", "api_key", "key"),
    }
)
_TEAM_READ: Final = frozenset(
    {
        *("team_id", "team_alias", "models", "max_budget", "budget_duration", "budget_reset_at"),
        *("created_at", "updated_at", "keys", "members", "members_with_roles", "admins"),
    }
)
_EVERY: Final = frozenset({"all-proxy-models", "*"})
_OF_TEAM: Final = "all-team-models"
_SHARED: Final = "shared"


@dataclass(slots=True)
class Tenancy:
    """`tenants` has the children of each top tenant; `budgets` and `keys` are sections."""

    tenants: dict[str, list[str]] = field(default_factory=dict)
    keys: list[dict[str, Any]] = field(default_factory=list)
    budgets: list[dict[str, Any]] = field(default_factory=list)

    @property
    def spends(self) -> bool:
        """Some budget is of money."""
        return bool(self.budgets) or any("spend_max" in key.get("limits", ()) for key in self.keys)

    def tenant_section(self) -> list[dict[str, Any]]:
        """As the configuration has it."""
        return [
            {"name": name} | ({"children": [{"name": one} for one in below]} if below else {})
            for name, below in self.tenants.items()
        ]


class KeyReader:
    """Reads one export: `{"keys": [...], "teams": [...]}`, or a list of keys."""

    def __init__(
        self, notes: Notes, deployments: Deployments, variables: set[str], *, has_prices: bool
    ) -> None:
        self._notes = notes
        self._deployments = deployments
        self._variables = variables
        self._has_prices = has_prices
        self._teams: dict[str, Mapping[str, Any]] = {}
        self._names: dict[str, str] = {}
        self._taken: set[str] = set()
        self._with_users: set[str] = set()
        self.found = Tenancy()

    def read(self, export: object) -> Tenancy:
        """All that can be one of ours; the rest is noted."""
        whole = mapping(export)
        keys = items(export) or items(whole.get("keys"))
        teams = items(whole.get("teams"))
        pages = frozenset({"keys", "teams", "total_count", "current_page", "total_pages"})
        self._notes.rest((), whole, pages, {})
        for team in map(mapping, teams):
            self._teams[str(team.get("team_id"))] = team
        for key in map(mapping, keys):
            if text(key.get("team_id")) and text(key.get("user_id")):
                self._with_users.add(self._team_name(key))
        for index, key in enumerate(keys):
            place: Place = ("keys", index) if whole else (index,)
            self._key(place, mapping(key))
        for index, team in enumerate(map(mapping, teams)):
            self._team(("teams", index), team)
        return self.found

    def _key(self, place: Place, key: Mapping[str, Any]) -> None:
        notes = self._notes
        if not key:
            notes.lost(place, "it is only a hash: export keys with all that is known of them")
            return
        if key.get("blocked"):
            notes.lost(place, "it is blocked: a key that may ask nothing is left out")
            return
        models = self._models(place, key)
        if models is None:
            notes.lost(place, "no engine serves any model that it may use")
            return
        name = (
            text(key.get("key_alias")) or text(key.get("key_name")) or f"{len(self.found.keys) + 1}"
        )
        reference = f"env:{variable_of('EVENHAND_KEY_', name, self._variables)}"
        tenant = self._tenant(key)
        made: dict[str, Any] = {"key": reference, "tenant": tenant}
        if models:
            made["models"] = models
        limits: dict[str, Any] = {}
        if (open_max := count(key.get("max_parallel_requests"))) is not None:
            limits["open_requests_max"] = open_max
        self._budget(place, key, {"key": reference}, limits)
        if limits:
            made["limits"] = limits
        self.found.keys.append(made)
        notes.rest(place, key, _READ, _REASONS)

    def _models(self, place: Place, key: Mapping[str, Any]) -> list[str] | None:
        """Models it may use; empty: all. None: none that is here."""
        wanted = [str(name) for name in items(key.get("models"))]
        if _OF_TEAM in wanted:
            team = self._teams.get(str(key.get("team_id")), {})
            of_team = [str(name) for name in items(team.get("models"))]
            wanted = [name for name in wanted if name != _OF_TEAM] + of_team
            if not of_team:
                return []
        if not wanted or not _EVERY.isdisjoint(wanted):
            return []
        found: dict[str, None] = {}
        for name in wanted:
            model = self._deployments.model_of(name)
            if model is None:
                self._notes.lost((*place, "models"), f"no engine serves {name[:100]!r}")
            else:
                found[model] = None
        return list(found) or None

    def _tenant(self, key: Mapping[str, Any]) -> str:
        """The path of the tenant of a key: its team, beneath it its user if any key there has one."""
        user = text(key.get("user_id"))
        if not text(key.get("team_id")):
            top = self._name_of("user", user) if user else self._name_of("default", "default")
            self.found.tenants.setdefault(top, [])
            return top
        team = self._team_name(key)
        below = self.found.tenants.setdefault(team, [])
        if team not in self._with_users:
            return team
        child = self._name_of(f"in {team}", user or _SHARED)
        if child not in below:
            below.append(child)
        return f"{team}/{child}"

    def _team_name(self, key: Mapping[str, Any]) -> str:
        team_id = str(key.get("team_id"))
        team = self._teams.get(team_id, {})
        alias = text(team.get("team_alias")) or text(key.get("team_alias"))
        return self._name_of("team", team_id, alias or team_id)

    def _name_of(self, kind: str, identity: str | None, wanted: str | None = None) -> str:
        """One name for one thing, allowed here and unlike all others'."""
        which = f"{kind}:{identity}"
        if which not in self._names:
            self._names[which] = name_of(wanted or str(identity), self._taken)
        return self._names[which]

    def _team(self, place: Place, team: Mapping[str, Any]) -> None:
        name = self._names.get(f"team:{team.get('team_id')}")
        if name is None:
            self._notes.lost(place, "it has no keys, so nobody would be of it")
            return
        self._budget(place, team, {"tenant": name}, None)
        self._notes.rest(place, team, _TEAM_READ, _REASONS)

    def _budget(
        self,
        place: Place,
        of: Mapping[str, Any],
        whose: Mapping[str, str],
        limits: dict[str, Any] | None,
    ) -> None:
        """A budget each period, or in all. `limits` are the key's, where it is one."""
        given = of.get("max_budget")
        if given is None:
            return
        most: Decimal | None = amount(given)
        most = None if most is None else money(most)
        if most is None:
            self._notes.lost((*place, "max_budget"), "an amount has at most 6 decimals")
        elif not self._has_prices:
            message = "a budget in money needs a price of every model: see `prices`"
            self._notes.lost((*place, "max_budget"), message)
        elif of.get("budget_duration") is None:
            if limits is None:
                self.found.budgets.append({**whose, "period": "total", "spend_max": most})
            else:
                limits["spend_max"] = most
        elif (every := period(of["budget_duration"])) is not None:
            self.found.budgets.append({**whose, "period": every, "spend_max": most})
        else:
            message = "a budget is of a day, a week or a month, or of all time"
            self._notes.lost((*place, "budget_duration"), message)
