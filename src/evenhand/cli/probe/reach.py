"""Whether an engine is there, which version it is, what it serves, and who may use it."""

import ipaddress
from typing import Any, Final

from evenhand.cli.probe.finding import Finding, Verdict
from evenhand.cli.probe.subject import Subject, parsed
from evenhand.engines.signals import NoPageError, Page
from evenhand.wire.dialect import EngineKind

_MODELS: Final = "/v1/models"
_REACHED: Final = "reachable"
_ANY_NAME: Final = frozenset({EngineKind.LLAMACPP, EngineKind.EMBEDDED})
"""Serve the one model that they have, whatever name is asked for."""
TESTED: Final = {
    EngineKind.VLLM: "0.32.0",
    EngineKind.LLAMACPP: "xllamacpp 2026.10.11549",
    EngineKind.EMBEDDED: "xllamacpp 2026.10.11549",
}
"""Versions that this release was run against; of other kinds, names were read in their sources."""


async def reached(subject: Subject) -> tuple[Finding, tuple[str, ...]]:
    """Whether it answers as an OpenAI API does, and the models that it says it serves."""
    try:
        page = await subject.page(_MODELS)
    except NoPageError as error:
        do = "start the engine, or correct its `url`: scheme, host and port, without /v1"
        return Finding(_REACHED, Verdict.WRONG, f"no answer from {error}", do=do), ()
    served = _served(parsed(page.body)) if page.status == 200 else None
    if served is not None:
        return Finding(_REACHED, Verdict.OK, f"GET {_MODELS} answers"), served
    return _refused(page, subject), ()


def _refused(page: Page, subject: Subject) -> Finding:
    says = f"GET {_MODELS} answered {page.status}"
    if page.status in (401, 403):
        do = "give the engine's credential as `api_key`"
        if subject.has_credential:
            do = "the engine refuses the `api_key`: give the one it was started with"
        return Finding(_REACHED, Verdict.WRONG, says, do=do)
    if page.status == 200:
        says += " with something that is no list of models"
    do = "no OpenAI API is at this `url`: correct its port or path, and leave out /v1"
    return Finding(_REACHED, Verdict.WRONG, says, do=do)


def _served(answer: Any) -> tuple[str, ...] | None:
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, list):
        return None
    rows = [row for row in data if isinstance(row, dict)]
    names = [row.get("id") for row in rows]
    aliases = [alias for row in rows for alias in _strings(row.get("aliases"))]
    return tuple(dict.fromkeys([*_strings(names), *aliases]))


def _strings(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


async def version(subject: Subject) -> Finding:
    """Which version it says it is, beside the one this release was tested with."""
    told = await _version(subject)
    tested = TESTED.get(EngineKind(subject.kind))
    beside = f" (tested with {tested})" if tested else ""
    if not told:
        return Finding("version", Verdict.NOTE, f"not told{beside}")
    return Finding("version", Verdict.OK, f"{told}{beside}")


async def _version(subject: Subject) -> str | None:
    match subject.kind:
        case EngineKind.VLLM | EngineKind.TRTLLM:
            told = (await subject.table("/version")).get("version")
        case EngineKind.SGLANG:
            told = (await subject.table("/server_info", "/get_server_info")).get("version")
        case EngineKind.LLAMACPP | EngineKind.EMBEDDED:
            told = (await subject.table("/props")).get("build_info")
        case _:
            told = None
    return told if isinstance(told, str) else None


def models(subject: Subject, served: tuple[str, ...]) -> Finding:
    """Whether it serves what the configuration promises."""
    lacking = [model for model in subject.models if model not in served]
    shown = ", ".join(served[:8]) or "none"
    if not lacking:
        return Finding("models", Verdict.OK, f"serves {', '.join(subject.models)}")
    names = ", ".join(lacking)
    if subject.kind in _ANY_NAME:
        says = f"{names}: answered by {shown}, as llama.cpp answers whatever model is asked for"
        return Finding("models", Verdict.NOTE, says)
    return Finding(
        "models",
        Verdict.WRONG,
        f"does not serve {names}; it serves {shown}",
        "requests for it fail",
        "write in `models` what it serves, or start it with --served-model-name",
    )


async def protection(subject: Subject) -> Finding:
    """Who can use it besides the gateway."""
    topic = "protection"
    if subject.url is None:
        return Finding(topic, Verdict.OK, "listens on the loopback of this machine, for us alone")
    reach = _reach(subject.url.host)
    if subject.url.scheme == "http" and reach == "public":
        says = "plain http to a public address"
        do = "use https, or a private network"
        return Finding(topic, Verdict.WARNING, says, "prompts and credentials can be read", do)
    if not await _answers_strangers(subject):
        return Finding(topic, Verdict.OK, "refuses whoever has no credential")
    says = "answers without a credential"
    if subject.has_credential:
        says = "answers without the `api_key`, too"
    bypassed = "whoever reaches it goes past the shares, the limits and the ledger"
    do = "let only the gateway reach it: bind it to a private address, or start it with an API key"
    is_near = reach in ("loopback", "private")
    return Finding(topic, Verdict.NOTE if is_near else Verdict.WARNING, says, bypassed, do)


async def _answers_strangers(subject: Subject) -> bool:
    try:
        return (await subject.page(_MODELS, as_stranger=True)).status == 200
    except NoPageError:
        return False


def _reach(host: str) -> str:
    if host == "localhost":
        return "loopback"
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return "named"
    if ip.is_loopback:
        return "loopback"
    return "private" if ip.is_private else "public"
