"""Which releases of vLLM the scheduler was made for, one file for each: what is used of vLLM beside what
its scheduler interface says, and where that has another name."""

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from inspect import signature
from types import MappingProxyType, ModuleType

SUPPORTED: Mapping[str, str] = MappingProxyType({"0.32": "v0_32"})
FORCE = "EVENHAND_VLLM_ANY_VERSION"
"""The environment variable that, set to 1, has an untried release used like the newest tried one."""


class UnsupportedVersionError(RuntimeError):
    """The scheduler was not tried with this release of vLLM; the message says what to do."""


def shim(version: str, environment: Mapping[str, str] = os.environ) -> ModuleType:
    """What is particular to that release. Raises UnsupportedVersionError."""
    minor = ".".join(version.partition("+")[0].split(".")[:2])
    name = SUPPORTED.get(minor)
    if name is None:
        if environment.get(FORCE) != "1":
            raise UnsupportedVersionError(
                f"evenhand: vLLM {version} was not tried with this scheduler. Install one of"
                f" {', '.join(SUPPORTED)} (pip install 'evenhand[vllm]'), or start vLLM without"
                f" --scheduler-cls. At your own risk: {FORCE}=1 takes it for {max(SUPPORTED)}."
            )
        name = SUPPORTED[max(SUPPORTED, key=lambda known: [int(n) for n in known.split(".")])]
    return import_module(f"{__name__}.{name}")


def missing(
    classes: Mapping[str, type], needs: Mapping[str, Mapping[str, tuple[str, ...] | None]]
) -> list[str]:
    """What these classes lack: methods with the names of their first parameters (None: any)."""
    lacking = []
    for class_name, methods in needs.items():
        for method_name, parameters in methods.items():
            method: Callable[..., object] | None = getattr(classes[class_name], method_name, None)
            if method is None:
                lacking.append(f"{class_name}.{method_name}")
            elif parameters is not None:
                found = tuple(signature(method).parameters)[1:]
                if found[: len(parameters)] != parameters:
                    lacking.append(f"{class_name}.{method_name}({', '.join(parameters)})")
    return lacking


def check(version: str, lacking: list[str]) -> None:
    """Raises UnsupportedVersionError where a release that counts as supported lacks something."""
    if lacking:
        raise UnsupportedVersionError(
            f"evenhand: vLLM {version} is not as expected: it has no {', no '.join(lacking)}. Install"
            f" another release of {', '.join(SUPPORTED)}, or start vLLM without --scheduler-cls, and"
            " report this."
        )
