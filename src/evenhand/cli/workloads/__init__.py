"""`evenhand workloads`: what traffic there is to simulate, and how it can be turned."""
