"""Predictions of output, by the names that policies use."""

from evenhand.scheduling.parts import Part
from evenhand.scheduling.prediction.nothing import NoPrediction
from evenhand.scheduling.prediction.oracle import Oracle
from evenhand.scheduling.prediction.protocol import Prediction
from evenhand.scheduling.prediction.quantile import (
    QUANTILE_MEMORY_ANSWERS,
    QUANTILE_PERCENT,
    Quantile,
)
from evenhand.scheduling.prediction.running_mean import RunningMean

_PARTS: tuple[Part[Prediction], ...] = (
    Part(
        name="none",
        summary="nothing is expected: output is charged as it comes",
        build=lambda *_: NoPrediction(),
    ),
    Part(
        name="running-mean",
        summary="running mean of the tenant's answers for that application and model",
        build=lambda ground, _: RunningMean(default_tokens=ground.output_tokens_default),
    ),
    Part(
        name="quantile",
        summary="a quantile of the tenant's answers for that application and model",
        build=lambda ground, values: Quantile(
            percent=values[QUANTILE_PERCENT.name],
            memory_answers=values[QUANTILE_MEMORY_ANSWERS.name],
            default_tokens=ground.output_tokens_default,
        ),
        parameters=(QUANTILE_PERCENT, QUANTILE_MEMORY_ANSWERS),
    ),
    Part(
        name="oracle",
        summary="the true length, which only simulated requests bring along",
        build=lambda *_: Oracle(),
    ),
)

PREDICTIONS: dict[str, Part[Prediction]] = {part.name: part for part in _PARTS}
