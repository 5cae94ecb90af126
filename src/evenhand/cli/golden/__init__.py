"""`evenhand golden`: runs that were measured on GPUs, replayed, ours beside theirs."""

import typer

from evenhand.cli.golden.vllm import vllm
from evenhand.cli.golden.vtc import vtc

app = typer.Typer(
    add_completion=False,
    name="golden",
    help="Replay runs that were measured on GPUs: ours beside theirs.",
    no_args_is_help=True,
)
app.command("vtc")(vtc)
app.command("vllm")(vllm)
