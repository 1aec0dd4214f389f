"""Studies: the one package that works with Optuna's trials."""

from tuner.study.ask_tell import AskTell
from tuner.study.distributions import Choices, Domain, Range
from tuner.study.liveness import Attended, drivers, told_apart
from tuner.study.record import Record, TrialStatus, Unfinished, sound
from tuner.study.registry import delete_study, list_studies, load_study, open_study, rehearse
from tuner.study.study import Leaderboard, Study
from tuner.study.subset import extract

__all__ = [
    "AskTell",
    "Attended",
    "Choices",
    "Domain",
    "Leaderboard",
    "Range",
    "Record",
    "Study",
    "TrialStatus",
    "Unfinished",
    "delete_study",
    "drivers",
    "extract",
    "list_studies",
    "load_study",
    "open_study",
    "rehearse",
    "sound",
    "told_apart",
]
