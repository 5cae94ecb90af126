"""`evenhand demo`: the same noise with and without fairness, on a real engine.

Lives here: the demo's load, its measurement, its table and its verdict.
May import: workloads, engines, scheduling, wire, model; rich and typer for the terminal.
Promises: the clients see only HTTP; what failed or was cut off is counted and shown.
"""

from evenhand.cli.demo.options import DemoError, DemoOptions
from evenhand.cli.demo.run import StartGateway, run_demo

__all__ = ["DemoError", "DemoOptions", "StartGateway", "run_demo"]
