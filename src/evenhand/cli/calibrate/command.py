"""`evenhand calibrate`: fits a profile to the log of an engine and writes it down."""

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from evenhand.cli.calibrate.progress import calibrated
from evenhand.cli.calibrate.screen import show
from evenhand.cli.terminal import console
from evenhand.sim.calibration.calibrate import Calibration
from evenhand.sim.calibration.written import as_profile
from evenhand.sim.engine_log.file import read_log
from evenhand.sim.profile import EngineProfile, load_profile, profile_text

COLUMNS_MAX = 100
_JSON = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


def calibrate(
    log: Annotated[
        Path, typer.Argument(help="JSON lines of vLLM's timestamps, or a gateway's log.")
    ],
    *,
    engine: Annotated[str, typer.Option(help="The profile to begin with: a name, or a file.")],
    output: Annotated[
        Path | None, typer.Option(help="The profile's file; NAME-calibrated.yaml unless set.")
    ] = None,
    fit_first: Annotated[
        int | None,
        typer.Option(help="Fit to so many requests; the others check it. Half of them unless set."),
    ] = None,
    kv_blocks: Annotated[
        int | None, typer.Option(min=1, help="The engine's `num_gpu_blocks`, from its own log.")
    ] = None,
    of: Annotated[
        str | None, typer.Option(help="Which engine's requests of a gateway's log.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file.")] = None,
) -> None:
    """Fit host time and kernel times of a profile to an engine's log, and write a profile."""
    try:
        taken, profile = read_log(log, of), load_profile(engine)
        if kv_blocks is not None:
            profile = _with_blocks(profile, kv_blocks)
        half = len(taken.requests) // 2
        found = calibrated(taken.requests, profile, fit_first=fit_first or half)
        fitted = as_profile(found, log.name)
        file = output or Path(f"{fitted.name}.yaml")
        file.write_text(profile_text(fitted.model_copy(update={"name": file.stem})), "utf-8")
        if json is not None:
            json.write_bytes(orjson.dumps(_document(found, taken.remarks), option=_JSON))
    except (ValueError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    show(found, taken.remarks, console(COLUMNS_MAX))
    typer.echo(f"Wrote {file}. `evenhand simulate ... --engine {file}` uses it.")


def _with_blocks(profile: EngineProfile, blocks: int) -> EngineProfile:
    return profile.model_copy(
        update={
            "kv_tokens": blocks * profile.block_tokens,
            "kv_evidence": f"Said; {blocks:,} blocks of {profile.block_tokens} tokens.",
        }
    )


def _document(found: Calibration, remarks: list[str]) -> dict[str, Any]:
    latencies = ["fitted_before", "fitted_after"]
    if found.held_out:
        latencies += ["held_out_before", "held_out_after"]
    return {
        "profile": found.profile.model_dump(),
        **found.fit._asdict(),
        "fitted_on": found.fitted_on,
        "held_out": found.held_out,
        "remarks": remarks,
        **{name: getattr(found, name).document() for name in latencies},
    }
