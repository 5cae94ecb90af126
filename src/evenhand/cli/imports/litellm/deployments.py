"""`model_list`: deployments become engines, model groups become models or aliases."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlsplit

from evenhand.cli.config.problem import Place
from evenhand.cli.config.url import parse_url
from evenhand.cli.imports.litellm.values import (
    count,
    is_model,
    is_no_secret,
    items,
    mapping,
    name_of,
    per_million,
    text,
    variable,
    variable_of,
)
from evenhand.cli.imports.notes import Notes

_OPENAI_URL: Final = "https://api.openai.com"
_KINDS: Final = {"hosted_vllm": "vllm"}
"""Providers that say what answers there; whatever else has a URL counts as OpenAI-compatible."""
_OTHER_PROTOCOLS: Final = frozenset(
    {
        *(
            "anthropic",
            "azure",
            "azure_ai",
            "bedrock",
            "cohere",
            "databricks",
            "gemini",
            "sagemaker",
        ),
        *("huggingface", "predibase", "replicate", "vertex_ai", "watsonx", "vllm", "petals"),
    }
)
_PRICES: Final = {
    "input": "input_cost_per_token",
    "cached_input": "cache_read_input_token_cost",
    "output": "output_cost_per_token",
    "reasoning": "output_cost_per_reasoning_token",
}
_READ: Final = frozenset(
    {
        *("model", "api_base", "base_url", "api_key", "custom_llm_provider"),
        *("max_parallel_requests", *_PRICES.values()),
    }
)
_RATES: Final = "an engine is bounded by its window of requests in flight, not by a rate"
_REASONS: Final = {
    "rpm": _RATES,
    "tpm": _RATES,
    "timeout": "`limits.first_byte_timeout_s` holds for all engines",
    "stream_timeout": "`limits.chunk_timeout_s` holds for all engines",
    "weight": "placement is by load, `policy.placement` says how",
    "input_cost_per_second": "price the time of GPUs instead, by `prices.models[].gpu_second`",
    "output_cost_per_second": "price the time of GPUs instead, by `prices.models[].gpu_second`",
}
_INFO_REASONS: Final = {
    "id": "an engine has a name instead",
    "mode": "an engine is asked for what its API serves",
    "base_model": "prices are by the model's own name",
}


@dataclass(slots=True)
class Engine:
    """One of ours, with the models that were found to be served there."""

    name: str
    kind: str
    url: str
    api_key: str | None
    window: int | None = None
    models: list[str] = field(default_factory=list)

    def section(self) -> dict[str, Any]:
        """As the configuration has it."""
        written = {"name": self.name, "kind": self.kind, "url": self.url, "models": self.models}
        optional = {"window": self.window, "api_key": self.api_key}
        return written | {name: value for name, value in optional.items() if value is not None}


@dataclass(slots=True)
class Deployments:
    """All that `model_list` says. `groups` are the names that clients use, each with the model it stands
    for; `prices` are per million tokens, by model."""

    engines: list[Engine] = field(default_factory=list)
    groups: dict[str, str] = field(default_factory=dict)
    prices: dict[str, dict[str, Decimal]] = field(default_factory=dict)

    @property
    def models(self) -> set[str]:
        """Every model that some engine serves."""
        return {model for engine in self.engines for model in engine.models}

    def model_of(self, name: str) -> str | None:
        """What a client's name for a model stands for; None: nothing."""
        return self.groups.get(name) or (name if name in self.models else None)

    def aliases(self) -> dict[str, str]:
        """The groups that are called otherwise than their model."""
        return {group: model for group, model in self.groups.items() if group != model}


class DeploymentReader:
    """Reads one list. `variables` are those that the result refers to."""

    def __init__(self, notes: Notes, variables: set[str]) -> None:
        self._notes = notes
        self._variables = variables
        self._names: set[str] = set()
        self._engines: dict[tuple[str, str, str | None], Engine] = {}
        self._keys: dict[str, str] = {}
        self.found = Deployments()

    def read(self, model_list: object) -> Deployments:
        """Every deployment that can be one of ours; the others are noted."""
        for index, deployment in enumerate(items(model_list)):
            self._deployment(("model_list", index), mapping(deployment))
        self.found.engines = list(self._engines.values())
        self._drop_hidden_groups()
        return self.found

    def _deployment(self, place: Place, deployment: Mapping[str, Any]) -> None:
        notes, params = self._notes, mapping(deployment.get("litellm_params"))
        group, model = text(deployment.get("model_name")), text(params.get("model"))
        if group is None or model is None:
            notes.lost(place, "it has no model_name, or no litellm_params.model")
            return
        provider, name = _provider_of(params, model)
        kind = _KINDS.get(provider, "openai")
        problem = _problem(provider, group, name)
        url = None if problem else self._url(provider, params)
        if problem or url is None:
            notes.lost(place, problem or "its api_base is no URL that an engine can have")
            return
        engine = self._engine(kind, url, self._api_key((*place, "litellm_params"), params))
        if name not in engine.models:
            engine.models.append(name)
        engine.window = engine.window or count(params.get("max_parallel_requests"))
        known = self.found.groups.setdefault(group, name)
        if known != name:
            message = (
                f"the group {group} stands for {known} already, and a name can stand for one model:"
                f" let both engines serve it by one name, or ask for {name} by its own"
            )
            notes.lost((*place, "model_name"), message)
        info = mapping(deployment.get("model_info"))
        self._price(place, name, params, info)
        notes.rest((*place, "litellm_params"), params, _READ, _REASONS)
        notes.rest((*place, "model_info"), info, frozenset(_PRICES.values()), _INFO_REASONS)
        notes.rest(place, deployment, frozenset({"model_name", "litellm_params", "model_info"}), {})

    def _url(self, provider: str, params: Mapping[str, Any]) -> str | None:
        base = params.get("api_base") or params.get("base_url")
        referred = variable(base)
        if referred is not None:
            base = os.environ.get(referred)
        if base is None and provider in ("", "openai", "text-completion-openai"):
            base = _OPENAI_URL
        if not isinstance(base, str):
            return None
        trimmed = base.rstrip("/")
        for ending in ("/chat/completions", "/v1"):
            trimmed = trimmed.removesuffix(ending)
        try:
            parse_url(trimmed)
        except ValueError:
            return None
        return trimmed

    def _api_key(self, place: Place, params: Mapping[str, Any]) -> str | None:
        value = params.get("api_key")
        referred = variable(value)
        if referred is not None:
            self._variables.add(referred)
            return f"env:{referred}"
        if is_no_secret(value):
            return None
        secret = str(value)
        if secret not in self._keys:
            name = variable_of("EVENHAND_ENGINE_KEY_", str(len(self._keys) + 1), self._variables)
            self._keys[secret] = name
        message = f"a secret is never in the file: put it into the variable {self._keys[secret]}"
        self._notes.lost((*place, "api_key"), message)
        return f"env:{self._keys[secret]}"

    def _engine(self, kind: str, url: str, api_key: str | None) -> Engine:
        which = (kind, url, api_key)
        engine = self._engines.get(which)
        if engine is None:
            engine = Engine(name_of(urlsplit(url).netloc, self._names), kind, url, api_key)
            self._engines[which] = engine
        return engine

    def _price(
        self, place: Place, model: str, params: Mapping[str, Any], info: Mapping[str, Any]
    ) -> None:
        price: dict[str, Decimal] = {}
        for ours, theirs in _PRICES.items():
            where, holder = ("model_info", info) if theirs in info else ("litellm_params", params)
            if holder.get(theirs) is None:
                continue
            amount = per_million(holder[theirs])
            if amount is None:
                message = "it has more decimals than a price for a million tokens can have: 6"
                self._notes.lost((*place, where, theirs), message)
            else:
                price[ours] = amount
        if {"input", "output"} <= price.keys():
            known = self.found.prices.setdefault(model, price)
            if known != price:
                message = (
                    f"{model} has another price already: a model has one price, on all engines"
                )
                self._notes.lost((*place, "model_info"), message)
        elif price:
            self._notes.lost(place, f"{model} has a price for only one of input and output")

    def _drop_hidden_groups(self) -> None:
        """A group of the name of another one's model: the model's own name wins."""
        models = self.found.models
        for group, model in list(self.found.groups.items()):
            if group != model and group in models:
                message = f"an engine serves a model by that name, so it cannot stand for {model}"
                self._notes.lost(("model_list",), f"{group}: {message}")
                self.found.groups[group] = group


def _provider_of(params: Mapping[str, Any], model: str) -> tuple[str, str]:
    """Whom LiteLLM would ask, and by which name of the model: what stands before the first slash is the
    provider, unless that is named apart."""
    named = text(params.get("custom_llm_provider"))
    if named is not None:
        return named, model.removeprefix(f"{named}/")
    before, slash, after = model.partition("/")
    return (before, after) if slash else ("", model)


def _problem(provider: str, group: str, name: str) -> str | None:
    if provider in _OTHER_PROTOCOLS:
        return f"{provider} speaks a protocol of its own: an engine speaks the OpenAI API"
    if "*" in group or "*" in name:
        return "engines name their models one by one: wildcards are not read"
    if not is_model(group) or not is_model(name):
        return "a model name has letters, digits and . _ : / @ + - here, 256 at most"
    return None
