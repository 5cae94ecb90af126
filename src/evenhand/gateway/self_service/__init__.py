"""What a tenant sees of itself, with nothing but its own API key.

Lives here: the pages under /api/v1/me.
May import: gateway.admin, gateway.identity, telemetry, scheduling, model; Starlette and pydantic.
Promises: nobody is told of another tenant, neither its name nor its figures; what others had is summed
up as far as it explains one's own wait.
"""

from evenhand.gateway.self_service.pages import self_service_pages

__all__ = ["self_service_pages"]
