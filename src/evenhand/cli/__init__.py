"""The commands, and the composition root that wires the rooms together.

Lives here: `serve`, `demo`, `init`, `check`, the configuration.
May import: every room.
Promises: no policy and no protocol; what a command needs is built here and handed down.
"""
