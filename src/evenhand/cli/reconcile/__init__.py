"""`evenhand reconcile`: the ledger against the engines' own counters."""
