"""Builds the wheel, holds its content to a list, installs it where the source is not, and runs it.

Usage, from the repository's root: make wheel
"""

import os
import re
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What a wheel of ours may hold; anything else is a mistake, such as tests, keys or a model file.
ALLOWED = re.compile(
    r"evenhand/(?:[a-z_]+/)*[a-z0-9_]+\.py"
    r"|evenhand/py\.typed"
    r"|evenhand/(?:engines|locality|scheduling|ledger|sim|stores|telemetry)/(?:[a-z_]+/)*[a-z0-9_-]+\.md"
    r"|evenhand/sim/profiles/[a-z0-9.-]+\.yaml"
    r"|evenhand/gateway/dashboard/site/(?:[a-z]+/)?[a-z_]+\.(?:html|css|js|svg)"
    r"|evenhand/sim/report/page\.(?:css|js)"
    r"|evenhand-[0-9a-z.]+\.dist-info/(?:METADATA|WHEEL|RECORD|entry_points\.txt|licenses/LICENSE)"
)
KEYS = ("ACME_SEARCH_KEY", "ACME_SUPPORT_KEY", "GLOBEX_BATCH_KEY")


def main() -> None:
    """Exit with an error at the first thing that is not as it should be."""
    with tempfile.TemporaryDirectory(prefix="evenhand-wheel-") as folder:
        wheel = build(Path(folder, "dist"))
        check_content(wheel)
        check_installed(wheel, Path(folder))
    print(f"{wheel.name}: content, installation and commands are as they should be")


def build(folder: Path) -> Path:
    """The wheel, built with the hashed build requirements that the environment of this script has."""
    hatchling = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
    run(*hatchling, "--directory", str(folder), cwd=ROOT)
    (wheel,) = folder.glob("*.whl")
    return wheel


def check_content(wheel: Path) -> None:
    """Nothing but what is allowed, and all that the source has."""
    names = set(zipfile.ZipFile(wheel).namelist())
    strangers = sorted(name for name in names if not ALLOWED.fullmatch(name))
    if strangers:
        sys.exit(f"{wheel.name} holds what it should not: {', '.join(strangers)}")
    listed = run("git", "ls-files", "-z", "src", cwd=ROOT).split("\0")
    missing = {name.removeprefix("src/") for name in listed if name} - names
    if missing:
        sys.exit(f"{wheel.name} lacks: {', '.join(sorted(missing))}")
    if not any(name.endswith("licenses/LICENSE") for name in names):
        sys.exit(f"{wheel.name} lacks the licence")


def check_installed(wheel: Path, folder: Path) -> None:
    """Install into a new environment and use it from a folder without the source."""
    environment = folder / "venv"
    venv.create(environment, with_pip=False)
    python = str(environment / "bin" / "python")
    # With the pip of this script's environment, so that Debian's missing ensurepip is no matter.
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python]
    requirements = str(ROOT / "requirements" / "run.txt")
    run(*pip, "install", "--quiet", "--require-hashes", "-r", requirements, cwd=folder)
    run(*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel), cwd=folder)
    evenhand = str(environment / "bin" / "evenhand")
    where = run(python, "-c", "import evenhand; print(evenhand.__file__)", cwd=folder).strip()
    if not where.startswith(str(environment)):
        sys.exit(f"the installed command takes its code from {where}")
    version = run(evenhand, "--version", cwd=folder).strip()
    if f"evenhand-{version}-" not in wheel.name:
        sys.exit(f"{wheel.name} says that it is version {version}")
    if "Idea" not in run(evenhand, "policies", "vtc", cwd=folder):
        sys.exit("the installed command does not tell the derivation of vtc")
    run(evenhand, "init", "evenhand.yaml", cwd=folder)
    run(evenhand, "check", "--no-secrets", "evenhand.yaml", cwd=folder)
    secrets = {name: f"secret-of-{name}" for name in KEYS}
    run(evenhand, "check", "evenhand.yaml", cwd=folder, secrets=secrets)
    simulate = (evenhand, "simulate", "vtc/overload", "--set", "seconds=30", "--policy", "fcfs,vtc")
    run(*simulate, "--engine", "a10g-llama-2-7b", "--html", "page.html", cwd=folder)


def run(*command: str, cwd: Path, secrets: dict[str, str] | None = None) -> str:
    """What it writes to stdout; exits where it fails. `secrets` are variables of its environment."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    environment |= secrets or {}
    done = subprocess.run(  # noqa: S603 - our own command lines
        command, cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    main()
