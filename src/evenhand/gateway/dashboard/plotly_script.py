"""plotly's script, as its Python package ships it: charts without a build step and without a CDN."""

from importlib.resources import files
from typing import Final

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from evenhand.gateway.admin import Caller, Page, Role

_KEPT: Final = {
    "cache-control": "private, max-age=31536000, immutable",
    "x-content-type-options": "nosniff",
}
"""Its address carries its version, so it never changes."""


def plotly_page() -> Page:
    """Its route. 5 MB: for those who have shown who they are."""
    file = files("plotly") / "package_data" / "plotly.min.js"

    async def answer(_: Request, __: Caller) -> Response:
        return FileResponse(str(file), headers=_KEPT, media_type="text/javascript; charset=utf-8")

    return Page(
        path="/assets/plotly.min.js",
        role=Role.TENANT,
        answer=answer,
        summary="plotly's script, for a browser.",
    )
