"""The server's work beside forking workers; only the server imports this.

It adopts the processes of a worker that dies, so that the driver finds them. It ends everything when the driver is
gone.
"""

from __future__ import annotations

import atexit
import os
import warnings

from tuner.executors.leftovers import adopt_orphans, end_children

SERVER = os.getpid()


def _end() -> None:
    if os.getpid() == SERVER:  # and not a child that own code has forked, and left by `sys.exit`
        end_children()


adopt_orphans()
warnings.filterwarnings("ignore", "forkserver: waitpid returned unexpected pid")  # an orphan's, which has ended
atexit.register(_end)
