"""The gateway of one phase: `python -m evenhand.cli.demo.gateway_child CONFIGURATION`.

It is `evenhand serve --announce`, which ends when its standard input does: a demo that is killed
leaves no gateway behind.
"""

import sys
from pathlib import Path

from evenhand.cli.serve import serve
from evenhand.engines.embedded.lifeline import die_with_parent

if __name__ == "__main__":
    die_with_parent(sys.stdin.fileno())
    serve(Path(sys.argv[1]), announce=True)
