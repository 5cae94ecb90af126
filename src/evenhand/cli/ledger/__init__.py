"""`evenhand ledger`: audit, backup and restore of the state database."""
