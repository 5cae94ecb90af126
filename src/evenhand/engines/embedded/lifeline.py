"""What the engine's process and its parent agree on: one line when ready, one pipe for life."""

import fcntl
import os
import signal
import sys

READY_LINE = b"ready\n"


def die_with_parent(lifeline: int) -> None:
    """End this process as soon as the other end of the pipe `lifeline` is closed.

    The kernel does it (SIGIO, whose default is death), not a thread: the interpreter's lock may be
    held for as long as a model takes to load. Nothing may ever be written to the pipe.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(lifeline, fcntl.F_GETFL)
    fcntl.fcntl(lifeline, fcntl.F_SETFL, flags | os.O_ASYNC | os.O_NONBLOCK)
    try:
        os.read(lifeline, 1)
    except BlockingIOError:
        return
    sys.exit("the parent is gone already")
