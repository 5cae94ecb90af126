"""The credentials of the admin listener, each with a name and a role."""

from typing import Literal

from pydantic import BaseModel

from evenhand.cli.config.scalars import SECTION, Name
from evenhand.cli.config.secrets import Reference


class AdminCredential(BaseModel):
    """One credential of the admin listener."""

    model_config = SECTION

    name: Name
    """Who holds it: what the log and the audit call whoever shows it. Unique; not `admin`, which is
    `admin.credential`'s."""
    role: Literal["viewer", "operator", "owner"]
    """`viewer` sees everything and changes nothing. `operator` also changes what runs: weights, lanes,
    engines, budgets. `owner` may do everything: keys, prices and policy too."""
    credential: Reference
    """Where the secret is. At least 16 visible ASCII characters; no two credentials or keys the same."""
