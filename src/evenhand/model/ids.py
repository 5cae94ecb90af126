"""Names of things. Distinct types, so that a model name cannot be passed for an engine's."""

from typing import NewType

RequestId = NewType("RequestId", str)
"""Made by the gateway, unique for the life of a process, echoed as `x-request-id`."""

InteractionId = NewType("InteractionId", str)
"""One user action, which may take several calls (`X-Evenhand-Interaction`)."""

TenantPath = tuple[str, ...]
"""A leaf of the share tree, root excluded: ("acme", "search"). Written `acme/search`."""

ApplicationName = NewType("ApplicationName", str)
EngineName = NewType("EngineName", str)

KeyId = NewType("KeyId", str)
"""Names an API key in the ledger and in lists, and is no secret: `env:NAME` or `file:/PATH` of a key in
the configuration, `key_...` of one in the state database."""

LaneName = NewType("LaneName", str)
ModelName = NewType("ModelName", str)

TrustDomain = NewType("TrustDomain", str)
"""Tenants of one trust domain may share a prefix cache; tenants of different ones never do."""
