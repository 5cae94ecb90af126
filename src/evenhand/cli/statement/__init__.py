"""`evenhand statement`: what a tenant owes for a period, the same to the byte whenever it is asked."""
