"""`evenhand golden`: runs that were measured on GPUs, replayed, ours beside theirs."""

import typer

from evenhand.cli.golden.vllm import vllm

app = typer.Typer(
    name="golden",
    help="Replay runs that were measured on GPUs: ours beside theirs.",
    no_args_is_help=True,
)
app.command("vllm")(vllm)
