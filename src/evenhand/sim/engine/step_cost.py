"""How long one iteration of an engine takes.

    T = t_host + t0 + (t_w^p + (c_t n)^p)^(1/p) + c_kv K + c_r R + c_a A

`n` tokens go through the matrix products (those of prefill chunks and one for each decoding request),
`R` requests decode, `K` is the sum of their contexts, and `A` sums m (cached + m / 2) over the
prefill chunks of m tokens. t_w is the time to read the weights, c_t that of a token's arithmetic,
c_kv that of reading a token's keys and values, c_a that of attention in prefill; p rounds the corner
of the roofline; t_host is what schedulers and samplers take, which kernel tables do not see. Where
`p` is absent the weights and the arithmetic take turns: reading them all for a decode, arithmetic
alone for a prefill of its own.
"""

from pydantic import BaseModel, ConfigDict, Field


class StepCost(BaseModel):
    """The parameters, in milliseconds (per token, request or pair of tokens)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    t_host_ms: float = Field(ge=0)
    t0_ms: float = Field(default=0, ge=0)
    t_w_ms: float = Field(gt=0)
    c_t_ms: float = Field(gt=0)
    c_kv_ms: float = Field(ge=0)
    c_r_ms: float = Field(default=0, ge=0)
    c_a_ms: float = Field(default=0, ge=0)
    p: float | None = Field(default=None, ge=1)
    prefill_ms: float = Field(default=0, ge=0)
    """For each prefill that runs apart, however little it does."""
    prefill_request_ms: float = Field(default=0, ge=0)
    """For each request of such a prefill."""

    def step_ms(self, tokens: float, requests: float, context_tokens: float, pairs: float) -> float:
        """One iteration of `tokens` in all, `requests` of them decoding over `context_tokens`, with
        `pairs` of tokens attending to each other in prefill."""
        attention = self.c_kv_ms * context_tokens + self.c_a_ms * pairs
        return self.fixed_ms + self.dense_ms(tokens) + attention + self.c_r_ms * requests

    @property
    def fixed_ms(self) -> float:
        """What every iteration takes."""
        return self.t_host_ms + self.t0_ms

    def dense_ms(self, tokens: float) -> float:
        """The matrix products of so many tokens."""
        compute = self.c_t_ms * tokens
        if self.p is None:
            return max(self.t_w_ms, compute)
        return float((self.t_w_ms**self.p + compute**self.p) ** (1 / self.p))

    def prefill_apart_ms(self, tokens: int, requests: int) -> float:
        """A prefill that no decode runs beside."""
        compute = self.prefill_ms + self.c_t_ms * tokens
        return self.t_host_ms + compute + self.prefill_request_ms * requests

    def decode_apart_ms(self, requests: float, context_tokens: float) -> float:
        """A decode step that no prefill runs beside."""
        reads = self.t_w_ms + self.c_kv_ms * context_tokens
        return self.t_host_ms + reads + self.c_r_ms * requests
