"""An independent look at the books: plain SQL over the rows, none of the ledger's own code.

One function for each thing that must be true; `CHECKS` lists them with their words.
"""

from evenhand.stores.audit.looked import TOLD_MAX, Check, Looked
from evenhand.stores.audit.open_holds import OpenRequest
from evenhand.stores.audit.report import CHECKS, OPEN_HOLDS, Audit, audit

__all__ = ["CHECKS", "OPEN_HOLDS", "TOLD_MAX", "Audit", "Check", "Looked", "OpenRequest", "audit"]
