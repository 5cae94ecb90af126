"""The `traffic_log` section: the gateway's traffic as a trace for the simulator."""

from typing import Annotated

from pydantic import BaseModel

from evenhand.cli.config.scalars import SECTION, FileText, between


class TrafficLog(BaseModel):
    """A line of JSON for each answered request: when it came, how long prompt and answer were, whose it
    was, and hashes that tell which prompts begin alike. It holds no text and no key, and the key of the
    hashes stays in the process. `evenhand simulate` reads the file."""

    model_config = SECTION

    file: FileText
    """The file, relative to this one. What is there when the gateway starts, or when the file is full,
    becomes FILE.1."""
    mib_max: Annotated[int, between(1, 1_000_000)] = 1024
    """MiB of one file; there are two at most."""
    block_bytes: Annotated[int, between(64, 65_536)] = 2048
    """Bytes of a prompt's JSON text that are taken for 512 tokens, the block by which prompts are
    compared. 2048 suits English; an estimate, for the gateway has no tokenizer."""
