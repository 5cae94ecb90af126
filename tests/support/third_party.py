"""Packages that offer policies, laid out in a folder as an installer leaves them."""

import shutil
import tomllib
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "third_party_policy"


def install_example(site: Path) -> None:
    """The worked example: its one file, and the entry point that its own pyproject.toml declares."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    points = project["entry-points"]["evenhand.policies"]
    shutil.copy(EXAMPLE / "shortest_first.py", site)
    declare(site, project["name"], points)


def install(site: Path, package: str, name: str, text: str, *, attribute: str = "POLICY") -> None:
    """A package of one module that offers `attribute` of it as the policy `name`."""
    module = package.replace("-", "_")
    (site / f"{module}.py").write_text(text)
    declare(site, package, {name: f"{module}:{attribute}"})


def declare(site: Path, package: str, points: dict[str, str]) -> None:
    info = site / f"{package.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    lines = [f"{name} = {value}" for name, value in points.items()]
    (info / "entry_points.txt").write_text("\n".join(["[evenhand.policies]", *lines]) + "\n")
