"""The commands on studies: list, show, report, export, dashboard, delete."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tuner.cli import options
from tuner.cli.formats import Format, print_study, print_trial
from tuner.cli.saying import FAILED, say
from tuner.config import DEFAULT_STORAGE
from tuner.runtime.rounding import amount, value_text

if TYPE_CHECKING:
    from tuner.study import Record, Study


def _load(storage: str, name: str) -> Study:
    from tuner.storage import open_storage
    from tuner.study import load_study

    return load_study(open_storage(storage), name)


def list_(storage: options.Storage = DEFAULT_STORAGE) -> None:
    """List the studies of a database.

    Example: tuner list --storage sqlite:///old/studies.db
    """
    import collections

    from rich.table import Column, Table

    from tuner.cli.parts import UNBOUNDED, stdout
    from tuner.results.failures import failures_of
    from tuner.storage import open_storage
    from tuner.study import Attended, list_studies, load_study

    opened = open_storage(storage)
    names = list_studies(opened)
    if not names:
        say(f"There is no study in {storage} yet.")
        return
    failing: list[str] = []
    rows: list[tuple[str, ...]] = []
    table = Table(
        Column("study", no_wrap=True),
        "metric",
        Column("best", no_wrap=True),
        Column("trials", no_wrap=True),
        "of which",
        box=None,
        pad_edge=False,
        header_style="dim",
    )
    for name in names:
        study = Attended(load_study(opened, name), storage)
        records = study.records()
        states = collections.Counter(record.state for record in records)
        shown = ", ".join(f"{count} {state}" for state, count in states.items())
        rows.append((name, ", ".join(study.goal.titles), _standing(study, records), str(len(records)), shown))
        table.add_row(*rows[-1])
        if told := failures_of(records).sentence:
            failing.append(f"{name}: {told}")
    console = stdout()
    if console.measure(table, options=console.options.update(max_width=UNBOUNDED)).minimum <= console.width:
        console.print(table)
    else:  # a table would cut words
        for name, metric, best, trials, shown in rows:
            say(name)
            say(f"    {metric} {best}; {trials} trials{f': {shown}' if shown else ''}")
    for line in failing:
        say(line, FAILED)


def _standing(study: Study, records: list[Record]) -> str:
    from tuner.cli.parts import NOTHING
    from tuner.results.confirmation import confirms

    if confirms(study):
        return "(confirmation)"
    front = study.front(records)
    if study.goal.single:
        return value_text(front[0].value) if front else NOTHING
    return f"a front of {len(front)}"


def show(
    study: options.StudyName,
    trial: Annotated[int | None, typer.Option(help="Show one trial with all that is known of it.")] = None,
    top: Annotated[int, typer.Option(help="How many of the best trials stand in the table.", min=0)] = 5,
    form: Annotated[Format, typer.Option("--format", help="How to print it; data has all of it.")] = Format.TABLE,
    storage: options.Storage = DEFAULT_STORAGE,
) -> None:
    """Show a study: its course, its best trials, which parameters matter; or all that is known of one trial.

    Example: tuner show digits-cnn --top 10

    Example: tuner show digits-cnn --trial 17 --format json
    """
    from tuner.cli.kept import Kept
    from tuner.study import Attended

    opened = Attended(_load(storage, study), storage)
    kept, records = Kept(opened, storage), opened.records()
    if trial is None:
        print_study(opened, records, kept, form, top)
    else:
        print_trial(opened, records[opened.record(trial).number], kept, form)


def report(
    studies: options.StudyNames,
    out: Annotated[Path, typer.Option("--out", "-o", help="The file to write.")] = Path("report.html"),
    storage: options.Storage = DEFAULT_STORAGE,
) -> None:
    """Write a study, or several against each other, as one HTML page that opens offline.

    Example: tuner report digits-cnn -o report.html
    """
    from tuner import api

    say(f"wrote {api.report(studies, out, storage_url=storage)}")


def export(
    study: options.StudyName,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="The file to write; without it, to stdout.")] = None,
    trial: Annotated[
        int | None,
        typer.Option(help="A trial's number; without it, the confirmed one, else the best, of one objective."),
    ] = None,
    form: Annotated[str, typer.Option("--format", help="yaml keeps the file's comments; json has every default.")] = "",
    storage: options.Storage = DEFAULT_STORAGE,
) -> None:
    """Write the best config: the space with its holes filled.

    Example: tuner export digits-cnn -o best.yaml
    """
    from tuner.results import best_config
    from tuner.study.provenance import Origin

    if not form:
        form = "json" if out is not None and out.suffix == ".json" else "yaml"
    if form not in ("yaml", "json"):
        raise typer.BadParameter(f"{form} is neither yaml nor json", param_hint="--format")
    opened = _load(storage, study)
    text = best_config.export(opened, trial, out, best_config.Format(form))
    if out is None:
        typer.echo(text.rstrip("\n"))
        return
    record = best_config.chosen(opened, trial)
    origin = Origin.of(record.attributes)
    told = f"trial {trial}" if trial is not None else best_config.why(opened, record)
    say(f"wrote {out}: {told}" + (f"; {origin.way.value} {origin}" if origin is not None else ""))


def dashboard(
    storage: options.Storage = DEFAULT_STORAGE,
    port: Annotated[int, typer.Option(help="On loopback only: the dashboard has no login.", min=1, max=65535)] = 8080,
) -> None:
    """Serve optuna-dashboard on the studies, to this machine only.

    Example: tuner dashboard --port 8081
    """
    from optuna_dashboard import run_server

    from tuner.errors import TunerError
    from tuner.storage import open_storage

    opened = open_storage(storage)
    say(f"http://127.0.0.1:{port}/ until Ctrl-C", err=True)
    try:
        run_server(opened, host="127.0.0.1", port=port)
    except OSError as error:
        raise TunerError(f"port {port} cannot be used: {error.strerror}; choose another --port") from None


def delete(
    study: options.StudyName,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    storage: options.Storage = DEFAULT_STORAGE,
) -> None:
    """Delete a study with all of its trials, and its confirmation if it has one.

    Example: tuner delete digits-cnn --yes
    """
    from tuner.results.confirmation import runs_of

    opened = _load(storage, study)
    confirmed = runs_of(opened)
    doomed = [opened] if confirmed is None else [confirmed, opened]  # if the second fails, the first is found again
    if not yes:
        named = " and ".join(f"{one.name} with its {amount(len(one.records()), 'trial')}" for one in reversed(doomed))
        typer.confirm(f"Delete study {named}?", abort=True)
    for one in doomed:
        _delete(one, storage)
    say(f"deleted {study}" + (f" and its confirmation {confirmed.name}" if confirmed is not None else ""))


def _delete(study: Study, storage: str) -> None:
    import shutil

    from tuner.storage import alone, open_storage, study_folder
    from tuner.study import delete_study

    with alone(storage, study.name):
        if study.uid:
            shutil.rmtree(study_folder(storage, study.name, study.uid), ignore_errors=True)
        delete_study(open_storage(storage), study.name)
