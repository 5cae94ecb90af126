"""What is sold: each sort of token, requests, and the time of GPUs, as SKUs of their own."""

from collections.abc import Iterator
from dataclasses import dataclass

from evenhand.ledger.batch import PriceRow
from evenhand.stores.usage_line import UsageLine

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Sku:
    """`name` ends its id; `meter` is for people. One pricing unit is `unit_size` of what is consumed,
    counted in `count_size`-ths (the time of GPUs in microseconds)."""

    name: str
    meter: str
    consumed_unit: str
    pricing_unit: str
    unit_size: int = 1
    count_size: int = 1


_TOKENS = "1000000 Tokens"
INPUT = Sku("input-tokens", "Input Tokens", "Tokens", _TOKENS, MILLION)
CACHED = Sku("cached-input-tokens", "Cached Input Tokens", "Tokens", _TOKENS, MILLION)
OUTPUT = Sku("output-tokens", "Output Tokens", "Tokens", _TOKENS, MILLION)
REASONING = Sku("reasoning-tokens", "Reasoning Tokens", "Tokens", _TOKENS, MILLION)
REQUESTS = Sku("requests", "Requests", "Requests", "Requests")
GPU_TIME = Sku("gpu-time", "GPU Time", "GPU-Seconds", "GPU-Seconds", count_size=MILLION)


@dataclass(frozen=True, slots=True)
class Sold:
    """So much of a SKU: `count` in its smallest parts, `unit_nano` for one pricing unit."""

    sku: Sku
    count: int
    unit_nano: int

    @property
    def cost(self) -> int:
        """Exact, in 10^-15 of the currency: the finest that a price per million makes."""
        parts = self.sku.unit_size * self.sku.count_size
        assert MILLION % parts == 0
        return self.count * self.unit_nano * (MILLION // parts)


def sold(line: UsageLine, price: PriceRow) -> Iterator[Sold]:
    """All that a line of one price has, but what it has nothing of."""
    cached, reasoning = line.cached_input_tokens, line.reasoning_tokens
    every = (
        Sold(INPUT, line.input_tokens - cached, price.input),
        Sold(CACHED, cached, price.cached_input),
        Sold(OUTPUT, line.output_tokens - reasoning, price.output),
        Sold(REASONING, reasoning, price.reasoning),
        Sold(REQUESTS, line.charged, price.request),
        Sold(GPU_TIME, line.gpu_us, price.gpu_second),
    )
    for one in every:
        # A request costs something, or it is not what is sold.
        if one.count and (one.sku is not REQUESTS or one.unit_nano):
            yield one
