"""Studies: the one package that knows Optuna's trials."""

from tuner.study.alive import LEFT, RUNNING, Attended, drivers, told_apart
from tuner.study.asktell import AskTell
from tuner.study.catalogue import delete_study, list_studies, load_study, open_study, rehearse
from tuner.study.domain import Choices, Domain, Range
from tuner.study.extract import extract
from tuner.study.record import Record, sound
from tuner.study.standing import Standing
from tuner.study.study import Study

__all__ = [
    "LEFT",
    "RUNNING",
    "AskTell",
    "Attended",
    "Choices",
    "Domain",
    "Range",
    "Record",
    "Standing",
    "Study",
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
