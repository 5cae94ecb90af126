"""Runs within the time there is; figures are written as they come."""

import json
import math
import platform
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from bench.gpu_transformers.engine import Bench
from bench.gpu_transformers.seen import Crowd, Played

_STEPS_KEPT = 6_000


class Rounds:
    """All scenes, each with every setting in each round; figures are written as they come."""

    def __init__(self, bench: Bench, path: Path, budget_s: float) -> None:
        self.bench = bench
        self._path = path
        self._until = time.monotonic() + budget_s
        self.number = 0
        """Of the round: all settings of one see the same requests."""
        self._steps: list[list[float]] = []
        self.document: dict[str, Any] = {
            "machine": platform.platform(),
            "device": torch.cuda.get_device_name() if bench.device == "cuda" else "CPU",
            "torch": torch.__version__,
            "transformers": version("transformers"),
            "size": {**vars(bench.size)},
            "parameters": sum(p.numel() for p in bench.model.parameters()),
            "runs": [],
            "left_out": 0,
        }

    @property
    def left_s(self) -> float:
        return self._until - time.monotonic()

    def run(
        self, scene: str, setting: str, crowds: Sequence[Crowd], seconds: float
    ) -> Played | None:
        """None: no time is left."""
        if self.left_s < seconds + 3:
            self.document["left_out"] += 1
            self.write()
            return None
        scheduler = "fifo-watched" if setting in ("alone", "fifo") else f"{setting}-watched"
        began = time.monotonic()
        played = self.bench.play(crowds, scheduler, seconds=seconds, seed=self.number)
        self._steps += [
            [round(s.ms, 3), s.prompt_tokens, s.answers, s.context, s.pairs, s.read]
            for s in played.steps
        ]
        print(f"{scene:10} {setting:10} {time.monotonic() - began:5.1f} s", end="  ", flush=True)
        return played

    def note(self, scene: str, setting: str, figures: Mapping[str, Any]) -> None:
        self.document["runs"].append({"scene": scene, "setting": setting, **figures})
        self.write()
        print(json.dumps(figures, default=lambda x: round(x, 4))[:240], flush=True)

    def write(self) -> None:
        every = max(1, math.ceil(len(self._steps) / _STEPS_KEPT))
        kept = {**self.document, "steps": self._steps[::every]}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps(kept) + "\n")
