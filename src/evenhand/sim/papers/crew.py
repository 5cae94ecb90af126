"""Runs many simulations, in several processes if there are any to spare; order and results are those of
one after the other."""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import TypeVar

from evenhand.sim.papers.paper import Order

Spec = TypeVar("Spec")
Result = TypeVar("Result")


def run_all(work: Callable[[Spec], Result], specs: Sequence[Spec], order: Order) -> list[Result]:
    """`work` of each. It must be a function of a module, specs and results must survive pickling."""
    if order.processes == 1 or len(specs) == 1:
        results = []
        for number, spec in enumerate(specs, start=1):
            results.append(work(spec))
            order.progress(number, len(specs), str(spec))
        return results
    # A fresh interpreter for each, so that nothing is inherited.
    with ProcessPoolExecutor(order.processes, mp_context=get_context("spawn")) as crew:
        futures = {crew.submit(work, spec): spec for spec in specs}
        for number, future in enumerate(as_completed(futures), start=1):
            future.result()
            order.progress(number, len(specs), str(futures[future]))
        return [future.result() for future in futures]
