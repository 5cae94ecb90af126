"""`evenhand check --probe`: what the configured engines offer, and what is missing."""
