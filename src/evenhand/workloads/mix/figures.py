"""What the mix is drawn from, and where each figure was measured.

ServeGen: 162 clients of one large model at Alibaba Cloud over 14 days (alibaba/ServeGen, Apache-2.0).
Claude Code: 49,334 calls in 710 recorded sessions (callanjfox/kv-cache-tester, Apache-2.0).
Mooncake: an hour of conversations with Kimi (kvcache-ai/Mooncake, Apache-2.0).
No figure was fitted on a run of the simulator.
"""

from typing import NamedTuple


class Lognormal(NamedTuple):
    """`median` and the deviation of the logarithm."""

    median: float
    sigma: float


# ServeGen, large model. Rates of clients: spaced as a lognormal's quantiles, 162 clients have 22 % at
# the first, 64 % at the first ten, 89 % at the first 39; measured: 16, 63 and 90 %.
RATE_SIGMA = 2.0
# Gaps between a client's arrivals: their deviation over their mean, over clients; 78 % of its windows
# are Gamma, the others Weibull.
CV = Lognormal(2.03, 0.87)
CV_LEAST, CV_MOST = 0.5, 15.0
GAMMA_SHARE = 0.78
# Medians of the lengths of clients, and how widely the lengths of one client are spread.
INPUT_MEDIAN, INPUT_SIGMA = Lognormal(642, 1.04), Lognormal(0.63, 0.5)
OUTPUT_MEDIAN, OUTPUT_SIGMA = Lognormal(63, 1.43), Lognormal(0.95, 0.4)
SIGMA_MOST = 1.8
OUTPUT_TOKENS_MAX = 4096

# Mooncake: 37 % of the tokens of prompts had been in an earlier prompt. A chat's system prompt of this
# part of its median prompt comes to that.
SYSTEM_PART = 0.52
SYSTEM_PROMPTS_MAX = 4

# Claude Code. Prompts 122,000 tokens on average, of which 96 % were in an earlier prompt of the session.
AGENT_INPUT_MEAN = 122_000
AGENT_SYSTEM_TOKENS = 14_400
AGENT_FIRST_TOKENS = Lognormal(8_500, 1.0)
AGENT_ADDED_TOKENS = Lognormal(630, 1.14)
# A part of calls finds nothing but the system prompt again: the conversation was rewritten.
AGENT_REWRITTEN_PART = 0.025
AGENT_CALLS = Lognormal(44, 0.93)
AGENT_CALLS_MAX = 400
AGENT_OUTPUT = Lognormal(238, 0.95)
# Seconds from an answer to the next call, at these parts of all calls. The last is where it is cut.
AGENT_THINK_PARTS = (0.0, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)
AGENT_THINK_S = (1.0, 2.0, 4.0, 6.0, 10.0, 34.0, 166.0, 463.0, 3027.0, 3027.0)

# Requests by hour of the day over their mean: ServeGen's image model, the only one recorded over one
# day; over 14 days hours of the large model differ by 20 % only.
HOURS = (
    *(0.58, 0.51, 1.28, 0.86, 0.95, 0.93, 0.82, 0.89, 0.83, 1.03, 1.39, 1.22),
    *(0.98, 1.24, 1.23, 1.35, 1.33, 1.20, 0.86, 0.98, 0.91, 0.97, 0.94, 0.72),
)
