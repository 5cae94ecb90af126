"""What each tenant was due in each window: a fluid server that gives out, window by window, just as much
service as all together received, but by their shares.

A request is claimed when it is sent, however long it waits. In each window the service
is divided max-min among the claims, by share: who asks for little is due what it asks, and the others
divide the rest. What was due and not received counts against the policy then, and not when it comes
later.
"""

import numpy as np

from evenhand.sim.measures.columns import Floats

_ROUNDING = 1e-9
"""Of a claim, what floating point leaves of one that was served."""


def due(received: Floats, asked: Floats, shares: Floats) -> Floats:
    """Tenants x windows, as `received` and `asked` are. Shares are positive."""
    claims = np.zeros(len(shares))
    result = np.zeros_like(received)
    totals = received.sum(axis=0)
    for window in range(received.shape[1]):
        claims += asked[:, window]
        given = max_min(float(totals[window]), claims, shares)
        result[:, window] = given
        rest = claims - given
        claims = np.where(rest > _ROUNDING * claims, rest, 0.0)
    return result


def max_min(amount: float, claims: Floats, shares: Floats) -> Floats:
    """Divide by share so that nobody gets more than it claims. What is over goes to nobody."""
    if amount <= 0:
        return np.zeros_like(claims)
    level_of = claims / shares
    order = np.argsort(level_of, kind="stable")
    claimed = np.cumsum(claims[order]) - claims[order]
    open_shares = np.cumsum(shares[order][::-1])[::-1]
    # What all have together when the level is such that this one is just satisfied.
    filled = claimed + level_of[order] * open_shares
    first = int(np.searchsorted(filled, amount))
    if first == len(claims):
        return claims.copy()
    level = (amount - claimed[first]) / open_shares[first]
    given: Floats = np.minimum(claims, level * shares)
    return given
