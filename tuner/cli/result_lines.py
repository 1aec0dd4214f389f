"""The end of a run on stdout, at this machine or at a server."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

import typer

from tuner.cli.views.candidates import print_confirmation
from tuner.cli.views.trials_table import print_front
from tuner.cli.views.wrapping import FAILED, say, show_command
from tuner.errors import TunerError
from tuner.runtime.rounding import amount, rounded, value_text

if TYPE_CHECKING:
    from tuner.cli.home import Home
    from tuner.search.run_result import Result
    from tuner.study import Record, Study


def print_result(result: Result, there: Home) -> None:
    """Print the best trial or the front, what failed, and the commands that follow."""
    from tuner.results.equal_trials import equals_of
    from tuner.results.results import Results
    from tuner.results.summary import against_the_baseline, against_the_trivial
    from tuner.study.stop_rules import way_on_after

    results = Results(result.study)
    study, name = result.study, shlex.quote(result.study.name)
    if result.stopped:
        ended = amount(study.finished(), "trial")
        say(f"Stopped after {ended}: {result.stopped}; {way_on_after(result.stopped)}.\n")
    if study.goal.single:
        _print_best(study, result.best)
    else:
        say(f"Front of {amount(study.finished(), 'trial')} in study {study.name}: {study.goal}")
        print_front(study, result.front)
    for told in filter(None, (against_the_baseline(results), against_the_trivial(results))):
        say(f"\nOn the validation rows {told}.")
    if study.goal.single and (told := " ".join(equals_of(results))):
        say(f"\n{told}")
    if told := results.failures.sentence:
        say(f"\n{told}", FAILED)
    if result.confirmation is not None:
        say()
        print_confirmation(result.confirmation)
    if summary := there.kept(study).summary:
        say(f"\n{summary}")
    chosen = "" if study.goal.single else f" --trial {result.front[0].number}"
    say("\nNext:")
    found = result.confirmation or results.confirmation
    if study.goal.single and (found is None or found.believed is None):
        show_command(f"tuner confirm {name}{there.typed}")
    show_command(f"tuner report {name}{there.typed}")
    show_command(f"tuner export {name}{chosen} -o best.yaml{there.typed} && tuner train best.yaml")
    if page := there.page_of(study.name):
        say(f"  see {page}")
    else:
        show_command(f"tuner dashboard{there.typed}")


def _print_best(study: Study, best: Record) -> None:
    say(f"Best of {amount(study.finished(), 'trial')} in study {study.name}: trial {best.number}")
    at = f" at epoch {best.epoch}" if best.epoch is not None else ""
    params = {name: value_text(value) for name, value in best.params.items()}
    deviation = best.deviation(study.goal.metric)
    spread = "" if deviation is None else f", standard deviation {rounded(deviation)} over folds and seeds"
    rows = {study.goal.title: f"{value_text(best.value)}{at}{spread}", **params}
    width = max(len(name) for name in rows)
    for name, value in rows.items():
        say(f"  {name:<{width}}  {value}")


def end_mostly_failed(result: Result) -> None:
    """Exit with 1 if more than half of the run's trials failed, timed out or lost their worker."""
    if result.failures.mostly:
        say(f"tuner: of this run, {result.failures.sentence}; the study can be used, and the exit code is 1", err=True)
        raise typer.Exit(TunerError.exit_code)
