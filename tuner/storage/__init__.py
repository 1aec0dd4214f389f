"""Storage: the database of studies, written behind and shared."""

from __future__ import annotations

from tuner.storage.connect import alone, join, open_storage, state_folder, study_folder
from tuner.storage.coordination import Sole, Turns, in_turn
from tuner.storage.retry import Patience
from tuner.storage.tables import DRIVER
from tuner.storage.transient_errors import readable_errors
from tuner.storage.trial_cache import FINISHED
from tuner.storage.trial_update import TrialUpdate
from tuner.storage.urls import anchored
from tuner.storage.write_behind import WriteBehindStorage, read_again

__all__ = [
    "DRIVER",
    "FINISHED",
    "Patience",
    "Sole",
    "TrialUpdate",
    "Turns",
    "WriteBehindStorage",
    "alone",
    "anchored",
    "in_turn",
    "join",
    "open_storage",
    "read_again",
    "readable_errors",
    "state_folder",
    "study_folder",
]
