"""The configuration: one YAML file, validated whole, nothing swallowed.

Lives here: the schema, loading with every problem explained, secrets by reference, the docs of it.
May import: `evenhand.model`, `scheduling`, `gateway.tls`, pydantic, yaml; nothing that serves, so
that any command can check a file.
Promises: `load` gives a sound `Config` or every problem with its line; no message holds a secret.
"""

from evenhand.cli.config.address import Address
from evenhand.cli.config.asked_policy import NOT_ASKED, AskedPolicy
from evenhand.cli.config.checks import key_problems
from evenhand.cli.config.effective import effective
from evenhand.cli.config.engines import EmbeddedEngine, UrlEngine
from evenhand.cli.config.keys import Key, KeyLimits
from evenhand.cli.config.limits import Limits
from evenhand.cli.config.load import Loaded, asked_alone, load, read
from evenhand.cli.config.outside import look_outside
from evenhand.cli.config.policy import Policy
from evenhand.cli.config.policy_choice import chosen
from evenhand.cli.config.prices import ModelPrice, Prices, WorkPrice
from evenhand.cli.config.problem import ConfigurationError, Lines, Problem
from evenhand.cli.config.schema import Admin, Config, Cost, Lane
from evenhand.cli.config.secrets import (
    ResolvedSecrets,
    Secret,
    SecretReference,
    resolve,
    resolve_admin,
)
from evenhand.cli.config.state import State
from evenhand.cli.config.tenants import Tenant, walk
from evenhand.cli.config.tls import Tls
from evenhand.cli.config.url import EngineUrl

__all__ = [
    "NOT_ASKED",
    "Address",
    "Admin",
    "AskedPolicy",
    "Config",
    "ConfigurationError",
    "Cost",
    "EmbeddedEngine",
    "EngineUrl",
    "Key",
    "KeyLimits",
    "Lane",
    "Limits",
    "Lines",
    "Loaded",
    "ModelPrice",
    "Policy",
    "Prices",
    "Problem",
    "ResolvedSecrets",
    "Secret",
    "SecretReference",
    "State",
    "Tenant",
    "Tls",
    "UrlEngine",
    "WorkPrice",
    "asked_alone",
    "chosen",
    "effective",
    "key_problems",
    "load",
    "look_outside",
    "read",
    "resolve",
    "resolve_admin",
    "walk",
]
