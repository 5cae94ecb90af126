"""Makes the virtual environment, also where Debian's python3-venv is not installed.

Usage: python3 requirements/environment.py [--keep] .venv
"""

import importlib.util
import subprocess
import sys
import venv
from pathlib import Path

PYTHON_MIN = (3, 11)


def main(folder: Path) -> None:
    """Create `folder` as a virtual environment with pip, or say what is missing."""
    if sys.version_info < PYTHON_MIN:
        sys.exit(
            f"Evenhand needs Python {PYTHON_MIN[0]}.{PYTHON_MIN[1]} or newer, this is "
            f"{sys.version.split()[0]}. Name another one: make PYTHON=python3.12 ..."
        )
    if importlib.util.find_spec("ensurepip"):
        venv.create(folder, with_pip=True, clear=True)
        return
    # Debian packs ensurepip apart: make the bare environment, then let any pip on the machine fill it.
    venv.create(folder, with_pip=False, clear=True)
    python = str(folder / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "pip"]
    if importlib.util.find_spec("pip") and subprocess.run(pip, check=False).returncode == 0:  # noqa: S603 - our own argument list
        return
    sys.exit(
        "This Python has neither ensurepip nor pip. On Debian or Ubuntu: apt-get install python3-venv"
    )


if not ("--keep" in sys.argv and (Path(sys.argv[-1]) / "bin" / "python").exists()):
    main(Path(sys.argv[-1]))
