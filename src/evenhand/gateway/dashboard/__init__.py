"""The pages for people: what they are made of, what feeds them, who may open them.

Lives here: HTML, styles and scripts as they are sent (`site/`), their routes, the live feed, the list of
waiting requests.
May import: gateway.admin, telemetry, scheduling, model; Starlette.
Promises: a browser loads nothing from elsewhere and runs no script but ours and plotly's; nothing here
changes the gateway (forms call the admin API).
"""

from evenhand.gateway.dashboard.pages import dashboard_pages

__all__ = ["dashboard_pages"]
