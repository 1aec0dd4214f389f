from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url

import tuner
from tests.conftest import TINY
from tests.support.asking import complete, opened
from tuner.errors import SpaceError
from tuner.protocol import Fixed
from tuner.results.stage import Part, Run
from tuner.search.warm_start import WarmStartConfigs, begin_with, known_configs
from tuner.space import Space
from tuner.storage import open_storage
from tuner.study import AskTell, Record, Study, load_study
from tuner.study.provenance import Origin, Way
from tuner.study.registry import enqueue
from tuner.study.study import CONFIRM, note

SGD = {"model.hidden.length": 1, "model.hidden.0": 8, "optimizer": "SGD", "optimizer.SGD.lr": 0.1}
WIDE = {"model.hidden.length": 2, "model.hidden.0": 10, "model.hidden.1": 16, "optimizer": "Adam"}
OLD = {
    0.6: {**SGD, "optimizer.SGD.momentum": 0.5},
    0.9: {**WIDE, "optimizer.Adam.lr": 0.02},
    0.7: {**WIDE, "model.hidden.0": 9, "optimizer.Adam.lr": 0.08},
}
"""The trials of the old study by their values."""


def new(section: dict[str, Any], *settings: tuple[str, Any]) -> Space:
    text = TINY.replace("name: tiny", "name: new")
    return Space.parse(text, "new.yaml", settings=[("search.warm_start", section), *settings])


@pytest.fixture
def old(url: str) -> AskTell:
    trials = opened(url, Space.parse(TINY, settings=[("search.enqueue", list(OLD.values()))]).text)
    for value in OLD:
        complete(trials, value)
    return trials


def study(url: str) -> Study:
    return load_study(open_storage(url), "new")


def origins(records: list[Record]) -> list[Origin | None]:
    return [record.attributes.origin for record in records]


def trial(number: int) -> Origin:
    return Origin(Way.ENQUEUED, "tiny", number)


def refusal(space: Space, url: str) -> str:
    with pytest.raises(SpaceError) as caught:
        known_configs(space, url)
    return str(caught.value)


def test_the_best_trials_of_a_study_come_first(old: AskTell, url: str) -> None:
    known = known_configs(new({"study": "tiny", "top": 2}), url)

    assert [config.origin for config in known.configs] == [trial(1), trial(2)]
    assert [config.params for config in known.configs] == [OLD[0.9], OLD[0.7]]
    assert known.notes == ("warm start with trial 1 of study tiny", "warm start with trial 2 of study tiny")


def test_they_are_trained_behind_the_users_own_and_say_where_they_come_from(old: AskTell, url: str) -> None:
    space = new({"study": "tiny", "top": 1}, ("search.enqueue", [SGD]))
    trials = opened(url, space.text)

    begin_with(trials.study, known_configs(space, url))
    numbers = [complete(trials, 0.5), complete(trials, 0.5)]

    records = [trials.study.record(number) for number in numbers]
    assert [record.params["optimizer"] for record in records] == ["SGD", "Adam"]
    assert records[1].params == OLD[0.9]
    assert origins(records) == [None, trial(1)]


def test_a_study_that_has_them_gets_no_more_whatever_becomes_of_the_source(old: AskTell, url: str) -> None:
    space = new({"study": "tiny", "top": 1})
    begin_with(opened(url, space.text).study, known_configs(space, url))
    complete(old, 0.95)

    again = known_configs(space, url)

    assert again == WarmStartConfigs()
    begin_with(study(url), again)
    assert len(study(url).records()) == 1


def test_a_study_that_is_asked_for_others_gets_those_that_it_has_not(old: AskTell, url: str) -> None:
    first, more = new({"study": "tiny", "top": 1}), new({"study": "tiny", "top": 2})
    trials = opened(url, first.text)
    begin_with(trials.study, known_configs(first, url))
    complete(trials, 0.5)

    begin_with(opened(url, more.text).study, known_configs(more, url))

    assert origins(study(url).records()) == [trial(1), trial(2)]


def test_what_was_cut_short_is_made_whole_by_the_next_run(
    old: AskTell, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = new({"study": "tiny", "top": 3})
    known = known_configs(space, url)
    begun = opened(url, space.text).study
    really, left = begun.optuna.enqueue_trial, iter(range(2))

    def cut_short(*args: Any, **kwargs: Any) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        really(*args, **kwargs)

    monkeypatch.setattr(begun.optuna, "enqueue_trial", cut_short)
    with pytest.raises(KeyboardInterrupt):
        begin_with(begun, known)

    begin_with(study(url), known_configs(space, url))

    assert origins(study(url).records()) == [trial(1), trial(2), trial(0)]


def test_what_is_outside_is_refused_with_value_hole_and_trial(old: AskTell, url: str) -> None:
    narrow = new({"study": "tiny", "top": 2}, ("optimizer.Adam.lr", {"float": [1e-3, 0.01]}))

    lines = refusal(narrow, url).splitlines()

    adam = "optimizer.Adam.lr is {}, outside {{float: [0.001, 0.01]}}: widen it, ask for fewer configs, or"
    assert [adam.format(lr) in line for lr, line in zip((0.02, 0.08), lines, strict=True)] == [True, True]
    assert lines[0].startswith("given beside new.yaml: search.warm_start: trial 1 of study tiny: ")


def test_what_is_outside_is_clipped_when_that_is_asked_for_and_said(old: AskTell, url: str) -> None:
    section = {"study": "tiny", "outside": "clip"}
    narrow = new(section, ("optimizer", {"choice": [{"type": "Adam", "lr": {"float": [1e-3, 0.01]}}]}))

    known = known_configs(narrow, url)

    assert [config.params["optimizer.Adam.lr"] for config in known.configs] == [0.01, 0.01]
    assert known.notes[0].endswith("optimizer.Adam.lr is 0.02, outside {float: [0.001, 0.01]}, becomes 0.01")
    sgd = "trial 0 of study tiny: optimizer is SGD, outside {choice: [{type: Adam, lr: {float: [0.001, 0.01]}}]}"
    assert known.left_out == (f"{sgd}, and nothing is near it",)


def test_configs_that_are_the_same_in_the_new_space_are_enqueued_once(old: AskTell, url: str) -> None:
    fewer = new({"study": "tiny", "top": 2}, ("model", {"type": "MLP"}), ("optimizer.Adam", {"type": "Adam"}))

    known = known_configs(fewer, url)

    assert [config.params for config in known.configs] == [{"optimizer": "Adam"}]
    assert known.left_out == ("trial 2 of study tiny: it is the same here as trial 1 of study tiny",)


def test_what_the_source_does_not_know_is_left_to_the_sampler_and_said(old: AskTell, url: str) -> None:
    space = new({"study": "tiny", "top": 1}, ("model.dropout", {"float": [0.0, 0.5]}), ("training.epochs", 3))
    trials = opened(url, space.text)

    known = known_configs(space, url)
    begin_with(trials.study, known)
    sampled = trials.study.record(complete(trials, 0.5)).params

    assert known.notes[0].endswith("; left to the sampler: model.dropout; training.epochs is 3 now")
    assert {name: sampled[name] for name in OLD[0.9]} == OLD[0.9]
    assert 0 <= sampled["model.dropout"] <= 0.5


def test_an_exported_config_is_found_from_the_folder_of_the_space(old: AskTell, url: str, tmp_path: Path) -> None:
    for name in ("best.yaml", "best.json"):
        tuner.export("tiny", tmp_path / name, storage=url)
        space = Space.parse(new({"file": name}).text, base=tmp_path)

        known = known_configs(space, url)

        assert [config.params for config in known.configs] == [OLD[0.9]]
        assert str(known.configs[0]) == f"{name} (trial 1 of study tiny)"


def test_a_database_is_found_from_the_folder_of_the_space_too(
    old: AskTell, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Path(str(make_url(url).database))
    monkeypatch.chdir("/")
    space = Space.parse(new({"study": "tiny", "storage": f"sqlite:///{file.name}"}).text, base=file.parent)

    known = known_configs(space, url)

    assert known.configs[0].params == OLD[0.9]


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"study": "tny"}, "search.warm_start.study: no study tny (did you mean tiny?)"),
        ({"study": "new"}, "search.warm_start.study: new is this study itself"),
        ({"study": "tiny", "storage": "sqlite:///no.db"}, "/no.db: there is no such file"),
        ({"study": "empty"}, "search.warm_start.study: study empty has no complete trial"),
        ({"file": "no.yaml"}, "search.warm_start.file: there is no file"),
        ({"file": "space.yaml"}, "is a space with 7 parameters: `tuner export` writes a config"),
    ],
)
def test_a_source_that_is_not_there_or_has_nothing_is_refused(
    old: AskTell, url: str, tmp_path: Path, section: dict[str, Any], message: str
) -> None:
    opened(url, TINY.replace("name: tiny", "name: empty"))
    (tmp_path / "space.yaml").write_text(TINY)

    assert message in refusal(Space.parse(new(section).text, base=tmp_path), url)


def test_a_source_of_which_nothing_fits_is_refused_with_the_reasons(old: AskTell, url: str) -> None:
    other = new({"study": "tiny", "top": 1}, ("model", {"type": "MLP"}), ("optimizer", {"type": "SGD", "lr": 0.1}))

    assert "no config for this space: trial 1 of study tiny: none of its values is a param" in refusal(other, url)


def test_the_confirmed_trial_comes_before_those_of_better_single_values(old: AskTell, url: str) -> None:
    runs = opened(url, TINY.replace("name: tiny", "name: tiny.confirm"))
    note(runs.study, CONFIRM, {"of": old.study.uid, "candidates": [1, 2], "top": 2, "seeds": 2, "splits": False})
    race = [Run(number, Part.RACE, repeat, False, Fixed(1)) for number in (1, 2) for repeat in range(2)]
    for run in [*race, *(Run(2, Part.HELD_OUT, repeat, False, Fixed(1)) for repeat in range(2))]:
        enqueue(runs.study, {}, run.facts)
        complete(runs, run.candidate / 3 + run.repeat / 100)

    known = known_configs(new({"study": "tiny", "top": 2}), url)

    assert [config.origin for config in known.configs] == [trial(2), trial(1)]


def test_a_config_that_breaks_a_relation_is_left_out_with_the_reason(old: AskTell, url: str) -> None:
    known = known_configs(new({"study": "tiny"}, ("search.where", ["model.hidden.0 <= 9"])), url)

    assert [config.origin.trial for config in known.configs] == [2, 0]
    assert known.left_out == ("trial 1 of study tiny: it breaks model.hidden.0 <= 9",)
