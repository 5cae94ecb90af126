"""`docs/evidence.md`: its parts on papers are made from the results kept beside it, the rest is prose.

`make paper` writes the results, `evenhand docs` the page; so neither drifts from the other.
"""

import re
from pathlib import Path

from evenhand.sim.papers.built_in import PAPERS
from evenhand.sim.papers.markdown import section
from evenhand.sim.papers.result import PaperResult

PAGE = "docs/evidence.md"
RESULTS = "docs/evidence"


def evidence_text(repository: Path) -> str:
    """The page as it must be: what stands between the comments that name a paper is replaced. A paper
    without a kept result keeps what stands there."""
    text = (repository / PAGE).read_text(encoding="utf-8")
    for name in PAPERS:
        result = kept_result(repository, name)
        if result is None:
            continue
        begin, end = f"<!-- paper {name}: made by `make paper` -->", f"<!-- end of paper {name} -->"
        between = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
        whole = f"{begin}\n{section(result)}\n{end}"
        assert between.search(text), f"{PAGE} has no place for the paper {name}"
        text = between.sub(whole.replace("\\", r"\\"), text, count=1)
    return text


def kept_result(repository: Path, name: str) -> PaperResult | None:
    """What the full form gave when it was last written down."""
    file = repository / RESULTS / f"{name}.json"
    if not file.is_file():
        return None
    return PaperResult.model_validate_json(file.read_text(encoding="utf-8"))
