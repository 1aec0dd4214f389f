"""What the server does besides forking workers; it alone imports this.

It adopts those that a worker leaves when it dies, where the driver finds them, and ends all when the driver is gone.
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
