"""The JSON Schema and the checks of `tuner check` must agree: what one takes or refuses, so does the other."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from typing import Any

import pytest
from jsonschema import Draft7Validator

from tests.conftest import ROOT
from tests.support.reworded import reworded, without_words
from tuner import preflight
from tuner.errors import SpaceError
from tuner.schema import components, space_file
from tuner.schema.components import Part
from tuner.space import Space, yaml_document
from tuner.space.sections import SECTIONS
from tuner.study.deprecated import DEPRECATED

SPACES = sorted((ROOT / "search_spaces").glob("*.yaml"))
SHOWN = [
    text
    for page in ("README.md", "docs/tour.md")
    for text in re.findall(r"```yaml\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
]
COMMITTED = ROOT / "docs" / "space.schema.json"
SOUND = {"data": "{type: digits}", "model": "{type: MLP}", "optimizer": "{type: SGD}"}


@pytest.fixture(scope="module")
def validator() -> Draft7Validator:
    schema = space_file.space_schema()
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema)


def faults(validator: Draft7Validator, text: str) -> list[str]:
    plain: Any = yaml_document.plain(yaml_document.read(text, "f"))
    return [f"{'.'.join(map(str, error.absolute_path))}: {error.message}" for error in validator.iter_errors(plain)]


def space(**sections: str) -> str:
    return "\n".join(f"{name}: {text}" for name, text in {**SOUND, **sections}.items())


@pytest.mark.parametrize("file", SPACES, ids=lambda file: file.stem)
def test_every_bundled_space_keeps_to_it(file: Any, validator: Draft7Validator) -> None:
    assert faults(validator, file.read_text()) == []


@pytest.mark.parametrize("text", SHOWN)
def test_every_space_of_the_readme_and_the_tour_keeps_to_it(text: str, validator: Draft7Validator) -> None:
    assert faults(validator, text) == []


TAKEN = [
    {"optimizer": "{type: AdamW, lr: {choice: [0.1, 0.01]}, betas: [0.9, 0.99], amsgrad: {choice: [true, false]}}"},
    {"optimizer": "{type: AdamW, betas: [0.9, {float: [0.9, 0.999]}]}"},
    {"optimizer": "{choice: [{type: SGD, name: slow, lr: 0.01}, {type: SGD, name: fast, lr: 1}]}"},
    {"optimizer": "{choice: [{type: SGD}, {choice: [{type: Adam}, {type: AdamW}], name: adams}]}"},
    {"scheduler": "null"},
    {"scheduler": "{choice: [null, {type: StepLR, step_size: {int: [1, 3]}}, {type: CosineAnnealingLR}]}"},
    {"scheduler": "[{type: LinearLR, epochs: 2}, {type: ExponentialLR, gamma: 0.9}]"},
    {"scheduler": "{type: OneCycleLR, max_lr: {ref: optimizer.lr}}", "optimizer": "{type: SGD, lr: 0.1}"},
    {"model": "{type: CNN, pooling: null, channels: {list: {int: [8, 16]}, length: 2}}"},
    {"model": "{type: resnet18, weights: null, freeze: backbone}"},
    {"model": "{choice: [{type: MLP, hidden: [8]}, {type: CNN, kernel: {choice: [3, 5]}}]}"},
    {"model": "{type: {choice: [MLP, Linear]}}"},
    {"model": "{type: CNN, dropout: {float: [0, 0.9]}, pooling: {choice: [max, avg, null]}}"},
    {"data": "{type: digits, transforms: [{type: Resize, size: 16, interpolation: nearest}, RandomErasing]}"},
    {"data": "{type: digits, transforms: [{type: RandomApply, transforms: [{type: RandomRotation, degrees: 5}]}]}"},
    {"data": "{type: digits, valid: 100, test: 0.1, batch_size: {int: [16, 64], log: true}, loader: memory}"},
    {"optimizer": "{type: SGD, lr: {choice: [{float: [0.1, 1], name: high}, 0.01]}}"},
    {"data": "{type: digits, batch_size: {choice: [32, {int: [64, 128], name: more}]}}"},
    {"loss": "{type: CrossEntropyLoss, label_smoothing: {float: [0, 0.2], step: 0.05}}"},
    {"training": "{epochs: {int: [1, 3]}, clip: {norm: {float: [0.1, 1]}}, early_stop: {patience: 2}, ema: 0.9}"},
    {"search": "{timeout: 1h30m, pruner: null, sampler: {type: TPESampler, n_startup_trials: 5}}"},
    {"search": "{pruner: {type: PatientPruner, wrapped_pruner: {type: MedianPruner}, patience: 2}}"},
    {"search": "{warm_start: {study: old, storage: 'sqlite:///old.db', top: 3, outside: clip}}"},
    {"search": "{warm_start: {file: best.yaml, outside: refuse}}"},
    {"search": "{enqueue: [{optimizer.lr: 0.1}]}", "optimizer": "{type: SGD, lr: {float: [0.01, 1]}}"},
    {"objective": "{metrics: [accuracy, parameters], constraints: {parameters: {max: 5000}}}"},
    {"objective": "{metric: f1, direction: maximize, scope: last}"},
    {"objective": "{metrics: [f1, loss], directions: [maximize, minimize], constraints: {recall: {min: 0.5, max: 1}}}"},
    {"data": "{type: digits, transforms: [RandomErasing, {choice: [{type: RandomRotation, degrees: 5}]}]}"},
    {"provenance": "{seed: 3, epoch: 2, rates: [[1, 0.1], [9, 0.01]], study: old}"},
]


@pytest.mark.parametrize("sections", TAKEN, ids=lambda sections: " ".join(sections.values())[:60])
def test_what_the_checks_take_keeps_to_it(sections: dict[str, str], validator: Draft7Validator) -> None:
    text = space(**sections)

    preflight.check_names(Space.parse(text))

    assert faults(validator, text) == []


REFUSED = [
    {"studdy": "{}"},
    {"search": "{trails: 3}"},
    {"search": "{trials: 0}"},
    {"search": "{trials: true}"},
    {"search": "{trials: {int: [1, 3]}}"},
    {"search": "{timeout: soon}"},
    {"search": "{enqueue: 3}"},
    {"search": "{sampler: {type: TPESampla}}"},
    {"search": "{sampler: {type: TPESampler, startup: 5}}"},
    {"search": "{pruner: 3}"},
    {"search": "{stop: {patience: 0}}"},
    {"search": "{warm_start: old}"},
    {"search": "{warm_start: {study: old, top: 0}}"},
    {"search": "{warm_start: {study: old, outside: drop}}"},
    {"study": "{seed: -1}"},
    {"study": "{name: ''}"},
    {"study": "7"},
    {"objective": "{direction: up}"},
    {"objective": "{scope: first}"},
    {"objective": "{metrics: [f1, loss], directions: [maximize, up]}"},
    {"objective": "{metrics: [f1, 3]}"},
    {"objective": "{constraints: {recall: {least: 0.5}}}"},
    {"objective": "{constraints: {recall: 0.5}}"},
    {"provenance": "{rates: [[0, 0.1]]}"},
    {"provenance": "{rates: [0.1]}"},
    {"objective": "{function: train}"},
    {"data": "{type: digitz}"},
    {"data": "{type: digits, valid: 1.5}"},
    {"data": "{type: digits, valid: {float: [0.1, 0.2]}}"},
    {"data": "{type: digits, path: x.csv}"},
    {"data": "{type: csv, path: x.csv}"},
    {"data": "{type: digits, batch_size: 0}"},
    {"data": "{type: digits, transforms: [{type: Compose}]}"},
    {"data": "{type: digits, transforms: [{type: Resize}]}"},
    {"data": "{type: digits, tokenizer: {type: sentence}}"},
    {"data": "{type: digits, tokenizer: {type: word, size: 3}}"},
    {"data": "[1]"},
    {"model": "{hidden: [3]}"},
    {"model": "null"},
    {"model": "{type: MPL}"},
    {"model": "{type: MLP, hiden: [3]}"},
    {"model": "{type: MLP, batch_norm: 'no'}"},
    {"model": "{type: MLP, dropout: 1}"},
    {"model": "{type: CNN, pooling: mean}"},
    {"model": "{type: CNN, kernel: 0}"},
    {"data": "{type: synthetic_regression, rows: 1}"},
    {"data": "{type: digits, tokenizer: {type: word, vocab: 2}}"},
    {"model": "{type: resnet18, weights: IMAGENET}"},
    {"model": "{choice: [{type: MLP, hiden: [3]}, {type: CNN}]}"},
    {"optimizer": "{type: AdamX}"},
    {"optimizer": "{type: Adam, learning_rate: 0.1}"},
    {"optimizer": "{type: Adam, params: []}"},
    {"optimizer": "{type: Adam, lr: true}"},
    {"optimizer": "{type: Adam, lr: [0.1, 0.2]}"},
    {"optimizer": "{type: Adam, lr: {float: [0.1]}}"},
    {"optimizer": "{type: Adam, lr: {float: [0, 1], log: true}}"},
    {"optimizer": "{type: Adam, lr: {float: [0.1, 1], log: true, step: 0.1}}"},
    {"optimizer": "{type: Adam, lr: {flaot: [0.1, 1]}}"},
    {"optimizer": "{type: Adam, lr: {float: [0.1, 1], step: -1}}"},
    {"optimizer": "{type: Adam, lr: {choice: []}}"},
    {"optimizer": "{type: Adam, betas: 0.9}"},
    {"optimizer": "{choice: [{type: SGD, lrr: 1}, {type: Adam}]}"},
    {"scheduler": "{type: LambdaLR}"},
    {"scheduler": "{type: StepLR}"},
    {"scheduler": "[{type: OneCycleLR, epochs: 2}, {type: ConstantLR}]"},
    {"loss": "{type: CrossEntropyLoss, reduction: sum}"},
    {"loss": "{type: CrossEntropy}"},
    {"training": "{epochs: {int: [0, 3], log: true}}"},
    {"training": "{epochs: 1.5}"},
    {"training": "{precision: fp8}"},
    {"training": "{clip: {norm: 1, value: 1}}"},
    {"training": "{early_stop: {min_delta: 0.1}}"},
    {"training": "{early_stop: {patience: 2, delta: 0.1}}"},
    {"training": "{ema: 2}"},
    {"training": "{class_weights: uneven}"},
]


@pytest.mark.parametrize("sections", REFUSED, ids=lambda sections: " ".join(sections.values())[:60])
def test_what_the_checks_refuse_breaks_it(sections: dict[str, str], validator: Draft7Validator) -> None:
    text = space(**sections)

    with pytest.raises(SpaceError):
        preflight.check_names(Space.parse(text))

    assert faults(validator, text) != []


def test_other_words_of_keys_docstrings_and_messages_leave_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    before = without_words(space_file.space_schema())
    others = {name: dataclasses.replace(section, keys=reworded(section.keys)) for name, section in SECTIONS.items()}
    parts = components.parts(SECTIONS["data"].keys)

    monkeypatch.setattr(space_file, "SECTIONS", others)
    monkeypatch.setattr(inspect, "getdoc", lambda function: None)
    monkeypatch.setattr(components, "parts", lambda ours: {name: silenced(part) for name, part in parts.items()})
    after = without_words(space_file.space_schema())

    assert after == before


def silenced(part: Part) -> Part:
    """A part whose check names the faulty arguments, and gives no reason."""
    return dataclasses.replace(part, faults=lambda component: ((path, "") for path, _ in part.faults(component)))


@pytest.mark.parametrize("file", sorted((ROOT / "tuner" / "schema").glob("*.py")), ids=lambda file: file.stem)
def test_only_descriptions_and_the_api_page_are_read_out_of_text(file: Any) -> None:
    reads = [word for word in ("import re\n", "getdoc", "__doc__") if word in file.read_text()]

    assert not reads or file.stem in ("docstrings", "api_page")


def test_a_section_that_is_missing_breaks_it(validator: Draft7Validator) -> None:
    assert faults(validator, "study: {seed: 1}") != []


def test_beside_a_function_of_ones_own_any_section_may_hold_anything(validator: Draft7Validator) -> None:
    function = "objective: {function: train.py:fit, metric: f1, direction: maximize}\n"

    assert faults(validator, function + "model: {alpha: {float: [0, 1]}}\ntraining: {epochs: 3, shuffle: true}") == []
    assert faults(validator, function + "model: {alpha: {float: [0, 1, 2]}}") != []
    assert faults(validator, function + "training: {epochs: none}") != []


def test_where_remote_workers_train_any_section_may_hold_anything(validator: Draft7Validator) -> None:
    remote = "objective: {remote: true, metric: f1, direction: maximize}\n"

    assert faults(validator, remote + "net: {alpha: {float: [0, 1]}}\ntraining: {epochs: 3, shuffle: true}") == []
    assert faults(validator, remote + "net: {alpha: {float: [0, 1, 2]}}") != []
    assert faults(validator, remote.replace("true", "false") + "net: {alpha: {float: [0, 1]}}") != []


def test_editors_learn_which_arguments_of_samplers_are_deprecated() -> None:
    definitions = space_file.space_schema()["definitions"]

    marked = {
        (name.removeprefix("sampler."), argument)
        for name, shape in definitions.items()
        for argument, entry in shape.get("properties", {}).items()
        if isinstance(entry, dict) and entry.get("deprecated")
    }

    assert marked == {(name, argument) for name, arguments in DEPRECATED.items() for argument in arguments}
    words = definitions["sampler.TPESampler"]["properties"]["prior_weight"]["description"]
    assert words.startswith("Deprecated since Optuna 4.9; Optuna 6.0 drops it.")


def test_the_committed_copy_is_up_to_date() -> None:
    if json.loads(COMMITTED.read_text())["$comment"] != space_file.space_schema()["$comment"]:
        pytest.skip(f"it was written for other versions than {space_file.made_for()}")

    assert COMMITTED.read_text() == space_file.text(), "write it anew: tuner schema -o docs/space.schema.json"


@pytest.mark.parametrize("file", SPACES, ids=lambda file: file.stem)
def test_every_bundled_space_names_it_for_editors(file: Any) -> None:
    first = file.read_text().partition("\n")[0]

    assert first == "# yaml-language-server: $schema=../docs/space.schema.json"
