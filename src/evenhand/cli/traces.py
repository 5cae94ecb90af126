"""The export of traces of a gateway, as configured."""

import asyncio

import evenhand
from evenhand.cli.config import Config, ResolvedSecrets, Secret
from evenhand.telemetry import RequestLog
from evenhand.telemetry.traces import OtlpExport, Traces


def begin_traces(config: Config, secrets: ResolvedSecrets, log: RequestLog) -> Traces | None:
    """None where the configuration asks for none."""
    section = config.traces
    if section is None:
        return None
    loop = asyncio.get_running_loop()

    def told(problem: str | None) -> None:
        """In the exporting thread; the log is the loop's."""
        loop.call_soon_threadsafe(lambda: log.event("traces", problem=problem))

    export = OtlpExport(
        str(section.endpoint),
        {name.lower(): _value(name, secret) for name, secret in secrets.traces.items()},
        service=section.service_name,
        version=evenhand.__version__,
        timeout_s=section.timeout_s,
        told=told,
    )
    traces = Traces(export, sample_percent=section.sample_percent)
    traces.start()
    return traces


def _value(name: str, secret: Secret) -> str:
    return f"Bearer {secret.reveal()}" if name.lower() == "authorization" else secret.reveal()
