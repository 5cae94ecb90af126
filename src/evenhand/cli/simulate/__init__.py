"""`evenhand simulate`: what a policy would do to any traffic, on any engines, without one.

Lives here: the command line, progress, the table and the JSON; what is measured is in `sim.measures`.
May import: sim, workloads, scheduling; typer and rich for the terminal.
Promises: equal inputs write equal bytes, in one process or in several.
"""
