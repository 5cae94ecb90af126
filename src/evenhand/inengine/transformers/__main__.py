"""`transformers ...` with the core inside: its `serve` has no option that names a scheduler."""

import sys
from importlib import import_module

from evenhand.inengine.settings import InEngineSettingsError
from evenhand.inengine.transformers.registry import register
from evenhand.inengine.transformers.versions import UnsupportedVersionError


def main() -> None:
    """Hand on to transformers' own command line."""
    try:
        register(as_default=True)
    except (InEngineSettingsError, UnsupportedVersionError) as problem:
        sys.exit(str(problem))
    import_module("transformers.cli.transformers").main()


if __name__ == "__main__":
    main()
