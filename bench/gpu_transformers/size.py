"""How large the model, the engine and the scenes are."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Size:
    """Of the model, the engine and the scenes."""

    model: Mapping[str, int]
    page: int
    pages: int
    batch_tokens: int
    seats: int
    noisy: int
    noisy_prompt: int
    noisy_answer: int
    long_prompt: int
    seconds: float
    rounds: int


WHOLE = Size(
    model={
        "hidden_size": 2048,
        "intermediate_size": 8192,
        "num_hidden_layers": 16,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 64,
        "vocab_size": 32_000,
    },
    page=256,
    pages=640,
    batch_tokens=1_024,
    seats=256,
    noisy=64,
    noisy_prompt=1_024,
    noisy_answer=32,
    long_prompt=28_000,
    seconds=7.0,
    rounds=3,
)
QUICK = Size(
    model={
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "vocab_size": 512,
    },
    page=16,
    pages=256,
    batch_tokens=128,
    seats=64,
    noisy=16,
    noisy_prompt=128,
    noisy_answer=8,
    long_prompt=1_500,
    seconds=3.0,
    rounds=1,
)
