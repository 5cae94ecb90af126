"""What is known of one engine: a model on a GPU, with the evidence for its figures. One file each."""

from importlib.resources import files
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evenhand.sim.engine.step_cost import StepCost

_SHIPPED = files("evenhand.sim") / "profiles"


class EngineProfile(BaseModel):
    """An engine to simulate. `loop` is how it builds its batches: `vllm` chunks prefills into the steps
    that decode, `slora` runs prefills apart and knows how long answers will be."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    gpu: str
    model: str
    tensor_parallel: int = Field(default=1, ge=1)
    loop: Literal["vllm", "slora"] = "vllm"
    evidence: str
    """Where the figures come from."""
    fit_error: str
    """How far they are from what was measured, and on which rows they were fitted."""
    step: StepCost
    kv_tokens: int = Field(ge=1)
    """Tokens that fit in the key-value cache."""
    kv_evidence: str = ""
    """Where that number comes from."""
    block_tokens: int = Field(default=16, ge=1)
    sequences_max: int = Field(default=256, ge=1)
    step_tokens_max: int = Field(default=2048, ge=1)
    """Tokens of one step, decode and prefill chunks together (`vllm`); of one prefill (`slora`)."""
    tenant_tokens: int = Field(default=0, ge=0)
    """Tokens of the cache that are kept free for each tenant in the batch, for its adapter (`slora`)."""
    prefix_cache: bool = True


def shipped_profiles() -> list[str]:
    """Names of the profiles that come with the package."""
    names = (entry.name for entry in _SHIPPED.iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def load_profile(name_or_file: str) -> EngineProfile:
    """A shipped profile by name, or one from a file. ValueError: there is none, or it is not valid; the
    message says what to write."""
    if name_or_file in shipped_profiles():
        text = (_SHIPPED / f"{name_or_file}.yaml").read_text()
    elif Path(name_or_file).is_file():
        text = Path(name_or_file).read_text()
    else:
        known = ", ".join(shipped_profiles())
        raise ValueError(f"There is no engine profile {name_or_file}. A file, or one of: {known}.")
    try:
        return EngineProfile.model_validate(yaml.safe_load(text))
    except ValidationError as error:
        faults = (
            f"{'.'.join(map(str, fault['loc'])) or 'the file'}: {fault['msg']}"
            for fault in error.errors()
        )
        raise ValueError(f"{name_or_file} is no engine profile. {'; '.join(faults)}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{name_or_file} is not YAML: {error}") from None


def profile_text(profile: EngineProfile) -> str:
    """The profile as a file that `load_profile` reads."""
    document = profile.model_dump(exclude_defaults=True)
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=98)
