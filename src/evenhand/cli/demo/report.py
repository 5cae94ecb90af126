"""The demo's figures as JSON."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from evenhand.cli.demo.figures import RunFigures, TenantFigures
from evenhand.cli.demo.options import DemoError
from evenhand.cli.demo.quantile import Quantile
from evenhand.cli.demo.verdict import Verdict


def report(runs: Mapping[str, RunFigures], verdict: Verdict) -> dict[str, Any]:
    """Runs by name and the verdict; a figure that could not be measured is null."""
    return {
        "runs": {name: _run(run) for name, run in runs.items()},
        "verdict": {
            "pass": verdict.is_pass,
            "promised": verdict.is_promised,
            "ttft_ratio": verdict.ttft_ratio,
            "throughput_ratio": verdict.throughput_ratio,
            "reason": verdict.reason,
        },
    }


def write_report(file: Path, content: Mapping[str, Any]) -> None:
    """Write it whole or not at all. Raises DemoError if the file cannot be written."""
    text = orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    unfinished = file.with_name(f".{file.name}.unfinished")
    try:
        unfinished.write_bytes(text)
        unfinished.replace(file)
    except OSError as error:
        raise DemoError(
            f"--json {file} cannot be written ({error.strerror}); the table above has the figures"
        ) from error


def _run(run: RunFigures) -> dict[str, Any]:
    return {
        "seconds": run.seconds,
        "tenants": {name: _tenant(tenant) for name, tenant in run.tenants.items()},
        "jain": run.jain,
        "tokens_per_s": run.tokens_per_s,
        "service_per_s": run.service_per_s,
        "all_active_s": run.all_active_s,
    }


def _tenant(tenant: TenantFigures) -> dict[str, Any]:
    return {
        "ttft_p50_s": tenant.ttft_p50.value if tenant.ttft_p50 else None,
        "ttft_p50_interval_s": _interval(tenant.ttft_p50),
        "ttft_p99_s": tenant.ttft_p99.value if tenant.ttft_p99 else None,
        "ttft_p99_interval_s": _interval(tenant.ttft_p99),
        "ttft_censored": tenant.censored,
        "sent": tenant.sent,
        "completed": tenant.completed,
        "failed": tenant.failed,
        "refused": tenant.refused,
        "cut": tenant.cut,
        "troubles": dict(tenant.troubles),
        "input_tokens": tenant.input_tokens,
        "output_tokens": tenant.output_tokens,
        "service": tenant.service,
        "share_promised": tenant.share_promised,
        "share_received": tenant.share_received,
        "gap_max_s": tenant.gap_max_s,
    }


def _interval(quantile: Quantile | None) -> list[float | None] | None:
    return None if quantile is None else [quantile.low, quantile.high]
