"""What wakes people who run a shared engine, as workloads."""
