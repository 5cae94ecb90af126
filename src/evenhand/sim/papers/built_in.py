"""The papers that can be run again. A new one is an entry here."""

from evenhand.sim.papers.dlpm.paper import DLPM
from evenhand.sim.papers.fairserve.paper import FAIRSERVE
from evenhand.sim.papers.paper import Paper
from evenhand.sim.papers.vtc.paper import VTC

_PAPERS: tuple[Paper, ...] = (VTC, FAIRSERVE, DLPM)

PAPERS: dict[str, Paper] = {paper.name: paper for paper in _PAPERS}
