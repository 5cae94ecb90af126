"""One LiteLLM configuration, with what it exported, as one configuration of ours."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from evenhand.cli.config.document import Document
from evenhand.cli.imports.litellm.deployments import DeploymentReader, Deployments
from evenhand.cli.imports.litellm.keys import KeyReader, Tenancy
from evenhand.cli.imports.litellm.values import is_model, mapping, text, variable, variable_of
from evenhand.cli.imports.notes import Notes

_SECTIONS: Final = frozenset(
    {"model_list", "router_settings", "general_settings", "litellm_settings"}
)
_SECTION_REASONS: Final = {
    "environment_variables": "variables are set where the gateway is started, not in its file",
    "mcp_servers": "tools are the clients' to run",
    "guardrails": "prompts and answers are passed on as they are",
}
_ROUTER_REASONS: Final = {
    "routing_strategy": "placement is by load and by caches, `policy.placement` says how",
    "num_retries": "a request is tried once more, at another engine, before its first byte",
    "timeout": "`limits.first_byte_timeout_s` and `limits.chunk_timeout_s` are the times to wait",
    "fallbacks": "a request goes to engines of its own model",
    "context_window_fallbacks": "a request goes to engines of its own model",
    "allowed_fails": "engines that fail are left alone by themselves",
    "cooldown_time": "engines that fail are left alone by themselves",
    "redis_host": "one gateway needs no shared memory",
    "redis_port": "one gateway needs no shared memory",
    "redis_password": "one gateway needs no shared memory",
}
_GENERAL_REASONS: Final = {
    "database_url": "keys and usage are in the folder of `state`",
    "store_model_in_db": "the file, and what is changed while it serves, say which models there are",
    "alerting": "alarms are pages and metrics of the admin listener",
    "max_parallel_requests": "the windows of the engines bound what is in flight",
}
_LITELLM_REASONS: Final = {
    "drop_params": "an engine judges the parameters that it is sent",
    "num_retries": "a request is tried once more, at another engine, before its first byte",
    "request_timeout": "`limits.first_byte_timeout_s` and `limits.chunk_timeout_s` say how long",
    "success_callback": "requests are logged, metered and booked in any case",
    "failure_callback": "requests are logged, metered and booked in any case",
    "callbacks": "requests are logged, metered and booked in any case",
    "cache": "prompts are cached by the engines",
    "max_budget": "budgets are of tenants and keys: see `budgets`",
}


@dataclass(frozen=True, slots=True)
class Converted:
    """`data` is a configuration; `variables` are to be set before it serves."""

    data: dict[str, Any]
    variables: list[str]


def converted(document: Document, export: object, notes: Notes, of_keys: Notes) -> Converted:
    """All of it that has a place here; `notes` is told of the rest, `of_keys` of the rest of the
    export."""
    for problem in document.problems:
        notes.add(problem)
    config, variables = mapping(document.data), set[str]()
    deployments = DeploymentReader(notes, variables).read(config.get("model_list"))
    aliases = _aliases(config, deployments, notes)
    prices = _prices(deployments, notes)
    reader = KeyReader(of_keys, deployments, variables, has_prices=bool(prices))
    tenancy = reader.read(export)
    data: dict[str, Any] = {}
    if (credential := _credential(config, notes, variables)) is not None:
        data["admin"] = {"credential": credential}
    data["engines"] = [engine.section() for engine in deployments.engines]
    if aliases:
        data["aliases"] = aliases
    data |= _tenancy_sections(tenancy)
    if prices:
        data["prices"] = prices
    _note_the_rest(config, notes)
    return Converted(data, sorted(variables))


def _tenancy_sections(tenancy: Tenancy) -> dict[str, Any]:
    sections: dict[str, Any] = {"tenants": tenancy.tenant_section() or [{"name": "default"}]}
    if not tenancy.keys or tenancy.spends:
        sections["state"] = {"folder": "state"}
    if tenancy.keys:
        sections["keys"] = tenancy.keys
    if tenancy.budgets:
        sections["budgets"] = tenancy.budgets
    return sections


def _aliases(config: Mapping[str, Any], deployments: Deployments, notes: Notes) -> dict[str, str]:
    """Names of groups, and names for groups."""
    aliases = deployments.aliases()
    served = deployments.models
    router = mapping(config.get("router_settings"))
    for alias, said in mapping(router.get("model_group_alias")).items():
        place = ("router_settings", "model_group_alias", alias)
        group = text(mapping(said).get("model")) or text(said)
        model = None if group is None else deployments.model_of(group)
        if model is None:
            notes.lost(place, "it stands for no model that is here")
        elif alias in served or aliases.get(alias, model) != model:
            notes.lost(place, "that name stands for another model already")
        elif not is_model(alias):
            notes.lost(place, "a model name has letters, digits and . _ : / @ + - here")
        else:
            aliases[alias] = model
    return aliases


def _prices(deployments: Deployments, notes: Notes) -> dict[str, Any]:
    """All models have a price, or none has: nothing is served for nothing by oversight."""
    priced = deployments.prices
    missing = sorted(deployments.models - priced.keys())
    if not priced:
        return {}
    if missing:
        few = ", ".join(missing[:5]) + (" and others" if len(missing) > 5 else "")
        message = (
            f"no price of {few} is in this file (LiteLLM has a list of its own), and every model needs"
            " one: no prices were carried over"
        )
        notes.lost(("model_list",), message)
        return {}
    return {"currency": "USD", "models": [{"model": m} | priced[m] for m in sorted(priced)]}


def _credential(config: Mapping[str, Any], notes: Notes, variables: set[str]) -> str | None:
    """The master key opens the admin listener."""
    value = mapping(config.get("general_settings")).get("master_key")
    if value is None:
        return None
    name = variable(value)
    if name is None:
        name = variable_of("EVENHAND_", "admin key", variables)
        message = f"a secret is never in the file: put it into the variable {name}"
        notes.lost(("general_settings", "master_key"), message)
    variables.add(name)
    return f"env:{name}"


def _note_the_rest(config: Mapping[str, Any], notes: Notes) -> None:
    notes.rest((), config, _SECTIONS, _SECTION_REASONS)
    for section, read, reasons in (
        ("router_settings", frozenset({"model_group_alias"}), _ROUTER_REASONS),
        ("general_settings", frozenset({"master_key"}), _GENERAL_REASONS),
        ("litellm_settings", frozenset[str](), _LITELLM_REASONS),
    ):
        notes.rest((section,), mapping(config.get(section)), read, reasons)


def plain(value: Any) -> Any:
    """With numbers as YAML writes them: amounts are exact as they are typed."""
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
