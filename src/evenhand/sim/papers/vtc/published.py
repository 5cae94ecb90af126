"""What the VTC artifact's own result files say, by its own scripts. Figures of GPU runs.

Schedulers are named as the artifact names its folders. No file of ours enters these numbers.
"""

from typing import NamedTuple


class Fairness(NamedTuple):
    """The service difference over 19 windows, in weighted tokens a second; and tokens a second."""

    max: float
    mean: float
    var: float
    tokens_per_s: float


REAL = {
    "FCFS": Fairness(759.97, 433.53, 32112.00, 777),
    "LCF": Fairness(750.49, 323.82, 29088.90, 778),
    "VTC": Fairness(368.40, 251.66, 6549.16, 779),
    "VTC_predict": Fairness(365.47, 240.33, 5321.62, 773),
    "VTC_oracle": Fairness(329.46, 227.51, 4475.76, 781),
    "LShare/rpm5": Fairness(143.86, 83.58, 1020.46, 340),
    "LShare/rpm30": Fairness(693.66, 309.45, 24221.31, 747),
}
"""The arena trace that the artifact ships."""

OVERLOAD = {
    "VTC": Fairness(192.88, 103.77, 6981.24, 893),
    "VTC_pred_50": Fairness(33.98, 12.54, 111.94, 904),
    "VTC_oracle": Fairness(5.87, 0.51, 1.71, 895),
}

TTFT: dict[tuple[str, str], tuple[tuple[float, float], ...]] = {
    ("proportional", "FCFS"): ((97.2, 179.6), (97.5, 179.5), (96.4, 178.6)),
    ("proportional", "VTC"): ((4.8, 9.1), (4.9, 9.4), (124.4, 194.5)),
    ("on_off_less", "FCFS"): ((85.2, 159.6), (93.2, 171.2)),
    ("on_off_less", "VTC"): ((3.5, 7.2), (102.4, 171.1)),
    ("on_off_overload", "FCFS"): ((374.1, 694.5), (413.5, 749.0)),
    ("on_off_overload", "VTC"): ((75.4, 123.9), (509.5, 746.5)),
    ("increase", "FCFS"): ((7.2, 29.1), (11.7, 38.1)),
    ("increase", "VTC"): ((0.3, 0.7), (14.6, 47.0)),
    ("poisson_on_off_overload", "FCFS"): ((101.7, 191.3), (112.3, 200.8)),
    ("poisson_on_off_overload", "VTC"): ((1.5, 3.2), (125.1, 205.9)),
    ("poisson_short_long", "FCFS"): ((69.2, 116.9), (67.7, 117.4)),
    ("poisson_short_long", "VTC"): ((132.7, 222.6), (44.9, 72.4)),
    ("overload", "VTC"): ((124.5, 224.9), (353.4, 531.2)),
}
"""Time to the first token by suite and scheduler, a client each: mean and 90th percentile, in s."""

OVERLOAD_FCFS_TTFT_S = 484.9
"""Of both clients, in the run of ten minutes."""
SHORT_LONG_TOKENS_PER_S = {"FCFS": 1475, "VTC": 1445}
