"""The laws of the house, as tests: sizes, names, limits, orientation."""

import ast
import re
import statistics
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "evenhand"
FILES = sorted(SOURCE.rglob("*.py"))
PURE = ("model", "wire", "locality", "scheduling", "ledger")
FORBIDDEN_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "base",
    "manager",
    "misc",
    "core",
}
FILE_LINES_MAX = 500
FILE_LINES_MEDIAN_MAX = 150
FUNCTION_LINES_MAX = 60


def name(file: Path) -> str:
    return str(file.relative_to(SOURCE))


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_files_are_small() -> None:
    sizes = [len(file.read_text().splitlines()) for file in FILES]
    assert max(sizes) <= FILE_LINES_MAX
    assert statistics.median(sizes) < FILE_LINES_MEDIAN_MAX


@pytest.mark.parametrize("file", FILES, ids=name)
def test_file_keeps_the_laws(file: Path) -> None:
    text = file.read_text()
    tree = ast.parse(text)
    assert file.stem not in FORBIDDEN_NAMES
    assert not {part.name for part in file.relative_to(SOURCE).parents} & FORBIDDEN_NAMES
    assert ast.get_docstring(tree), "a file says what its one idea is"
    for function in functions(tree):
        assert function.end_lineno is not None
        length = function.end_lineno - function.lineno + 1
        assert length <= FUNCTION_LINES_MAX, f"{function.name} has {length} lines"
    assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", text), "unfinished work does not land"
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            assert node.end_lineno is not None
            lines = text.splitlines()[node.lineno - 1 : node.end_lineno]
            passes = all(isinstance(s, ast.Pass) for s in node.body)
            says_why = any("#" in line for line in lines)
            assert not passes or says_why, f"line {node.lineno}: a silent except"
        if isinstance(node, ast.ClassDef):
            bases = [ast.unparse(b).split("[")[0].split(".")[-1] for b in node.bases]
            assert len([b for b in bases if b not in ("Protocol", "Generic")]) <= 1


@pytest.mark.parametrize("file", FILES, ids=name)
def test_every_queue_states_its_limit(file: Path) -> None:
    """Unbounded containers of the standard library are made only beside a word on their bound."""
    lines = file.read_text().splitlines()
    for number, line in enumerate(lines):
        if re.search(r"\b(deque|Queue|SimpleQueue|LifoQueue|PriorityQueue)(\[.*\])?\(", line):
            bounded = "maxlen" in line or "maxsize" in line
            context = " ".join(lines[max(0, number - 6) : number + 2]).lower()
            assert bounded or "bound" in context, f"{name(file)}:{number + 1}: what bounds it?"


@pytest.mark.parametrize("room", PURE)
def test_pure_rooms_use_no_floats_for_cost(room: str) -> None:
    if room == "wire":
        return
    for file in (SOURCE / room).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            is_float = isinstance(node, ast.Constant) and isinstance(node.value, float)
            divides = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
            assert not is_float, f"{name(file)}:{node.lineno}: a float"  # type: ignore[attr-defined]
            assert not divides, f"{name(file)}:{node.lineno}: true division"  # type: ignore[attr-defined]


@pytest.mark.parametrize("room", sorted(p.parent.name for p in SOURCE.glob("*/__init__.py")))
def test_each_room_says_what_it_is(room: str) -> None:
    docstring = ast.get_docstring(ast.parse((SOURCE / room / "__init__.py").read_text())) or ""
    for word in ("Lives here:", "May import:", "Promises:"):
        assert word in docstring


def test_the_readme_leads_to_the_line_that_picks_in_three_clicks() -> None:
    readme = (ROOT / "README.md").read_text()
    assert "docs/life-of-a-request.md" in readme
    life = (ROOT / "docs" / "life-of-a-request.md").read_text()
    found = re.search(r"\.\./src/evenhand/scheduling/share_tree\.py#L(\d+)", life)
    assert found, "the life of a request links the line"
    line = (SOURCE / "scheduling" / "share_tree.py").read_text().splitlines()[int(found[1]) - 1]
    assert "def _least_served_child" in line


def test_links_in_documents_lead_somewhere() -> None:
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *SOURCE.rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text()):
            if not target.startswith(("http://", "https://")):
                assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_links_to_headings_lead_to_the_one_that_is_meant() -> None:
    documents = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *SOURCE.rglob("*.md")]
    for document in documents:
        for page, anchor in re.findall(
            r"\]\(([^)#\s]*\.md)?#([a-z][^)\s]*)\)", document.read_text()
        ):
            target = (document.parent / page).resolve() if page else document
            assert _anchors(target).count(anchor) == 1, f"{document.name}: {page}#{anchor}"


def _anchors(document: Path) -> list[str]:
    """The headings of a page as links name them."""
    text = re.sub(r"^```.*?^```", "", document.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


def test_the_two_commands_are_the_readmes() -> None:
    readme = (ROOT / "README.md").read_text()
    makefile = (ROOT / "Makefile").read_text()
    for target in ("demo", "test"):
        assert f"make {target}" in readme
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
