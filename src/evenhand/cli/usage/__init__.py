"""`evenhand usage`: what tenants, applications and models have used, as table, CSV or JSON."""
