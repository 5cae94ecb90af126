"""Runs of the VTC artifact as plain columns: what was sent, and what became of it."""

from typing import NamedTuple

import numpy as np

from evenhand.sim.measures.service_difference import Served


class Sent(NamedTuple):
    """Requests in order of sending, times in seconds."""

    client: list[str]
    sent_s: list[float]
    input_tokens: list[int]
    output_tokens: list[int]


class Columns(NamedTuple):
    """A run as its clients saw it, whether measured or simulated: one entry for each request that was
    not refused, times in seconds."""

    client: list[str]
    sent_s: list[float]
    first_token_s: list[float]
    ended_s: list[float]
    input_tokens: list[int]
    output_tokens: list[int]

    @property
    def makespan_s(self) -> float:
        """From the start to the last end."""
        return max(self.ended_s, default=0.0)

    @property
    def tokens(self) -> int:
        """Of input and output."""
        return sum(self.input_tokens) + sum(self.output_tokens)

    def waits_s(self) -> dict[str, list[float]]:
        """For the first token, of each client."""
        waits: dict[str, list[float]] = {}
        for client, sent, first in zip(self.client, self.sent_s, self.first_token_s, strict=True):
            waits.setdefault(client, []).append(first - sent)
        return waits

    def ttft_mean_s(self) -> dict[str, float]:
        """Of each client."""
        return {client: sum(waits) / len(waits) for client, waits in self.waits_s().items()}

    def served(self) -> Served:
        """For measures, clients numbered."""
        numbers = {client: number for number, client in enumerate(dict.fromkeys(self.client))}
        return Served(
            np.array([numbers[client] for client in self.client], dtype=np.int64),
            np.array(self.sent_s),
            np.array(self.first_token_s),
            np.array(self.ended_s),
            np.array(self.input_tokens) + 2.0 * np.array(self.output_tokens),
        )
