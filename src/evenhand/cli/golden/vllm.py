"""`evenhand golden vllm`: the requests of a measured vLLM run, sent again to a simulated engine."""

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from evenhand.cli.calibrate.progress import calibrated
from evenhand.cli.golden.vllm_screen import show
from evenhand.cli.terminal import console
from evenhand.sim.calibration.calibrate import Calibration
from evenhand.sim.engine_log.file import EngineLog, read_log
from evenhand.sim.engine_log.replay import replay
from evenhand.sim.golden.vllm_comparison import Comparison, as_document, compare
from evenhand.sim.profile import EngineProfile, load_profile

COLUMNS_MAX = 100
_JSON = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


def vllm(
    file: Annotated[
        Path, typer.Argument(help="JSON lines of vLLM's timestamps, or a gateway's log.")
    ],
    *,
    engine: Annotated[str, typer.Option(help="An engine profile: a name, or a file.")],
    fit_first: Annotated[
        int | None,
        typer.Option(help="Fit the profile to so many requests first, and compare the others."),
    ] = None,
    of: Annotated[
        str | None, typer.Option(help="Which engine's requests of a gateway's log.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write the result to this file.")] = None,
) -> None:
    """Compare order, latency and preemption of a measured vLLM run with its replay."""
    try:
        log, profile = read_log(file, of), load_profile(engine)
        fit = None if fit_first is None else calibrated(log.requests, profile, fit_first=fit_first)
        profile = fit.profile if fit is not None else profile
        begin = fit.fitted_on if fit is not None else 0
        found = compare(log.requests, replay(log.requests, profile), slice(begin, None))
        if json is not None:
            json.write_bytes(orjson.dumps(_document(file, profile, log, fit, found), option=_JSON))
    except (ValueError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    show(profile, log, fit, found, console(COLUMNS_MAX))


def _document(
    file: Path,
    profile: EngineProfile,
    log: EngineLog,
    fit: Calibration | None,
    found: Comparison,
) -> dict[str, Any]:
    return {
        "file": file.name,
        "engine": profile.name,
        "fit": None if fit is None else {"requests": fit.fitted_on, **fit.fit._asdict()},
        "remarks": log.remarks,
        **as_document(found),
    }
