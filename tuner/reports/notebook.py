"""A study in a notebook: its facts, its best trials and two plots, where a cell ends with it."""

from __future__ import annotations

import plotly.graph_objects as go
import plotly.offline
from jinja2 import Environment, PackageLoader, select_autoescape

from tuner import plots
from tuner.config import DEFAULT_STORAGE
from tuner.plots import PLOTLY
from tuner.plots.pareto_front import pareto
from tuner.results.summary import headline, summary
from tuner.runtime.rounding import value_text
from tuner.storage import open_storage
from tuner.study import Attended, registry

HEIGHT = 320
"""Of a figure in a cell, in pixels."""

MOST_PARAMETERS = 8
"""So many columns of parameters has the table."""


class Notebook(Attended):
    """A study that shows itself."""

    def figures(self) -> dict[str, go.Figure]:
        """The report's figures of what was found, fronts and times apart, by their titles; those with enough data.

        Each shows itself, in the way that `plotly.io.renderers` says.
        """
        drawn = plots.all_plots(self, self.records())
        return {plot.title: _dressed(plot.figure) for plot in drawn if plot.figure is not None}

    def __repr__(self) -> str:
        return headline(self, self.records())

    def _repr_html_(self) -> str:
        """One piece that needs nothing else, no network and no other cell: plotly.js is in it, 5 MB.

        A notebook that is opened again, exported or shown by another program shows it still.
        """
        records = self.records()
        short = summary(self, records)
        environment = Environment(loader=PackageLoader("tuner.reports"), autoescape=select_autoescape(["html", "j2"]))
        environment.filters["short"] = value_text
        course = plots.history(self, records) if self.goal.single else pareto(self, records)
        drawn = [course, plots.importances(self, short.importances[0])]
        return environment.get_template("notebook.html.j2").render(
            summary=short,
            parameters=short.parameters[:MOST_PARAMETERS],
            plots=[(plot.title, _html(plot.figure), plot.notes) for plot in drawn if plot.figure is not None],
            plotly_js=plotly.offline.get_plotlyjs(),
        )


def load_study(study_name: str, *, storage: str = DEFAULT_STORAGE) -> Notebook:
    """A study to look at: its records, its best trials, its figures; a notebook shows it with two of them.

    Args:
        study_name: the study.
        storage: the database.

    Raises:
        StudyError: there is no such study.
        StorageError: the database cannot be read.

    Example:
        study = tuner.load_study("digits-cnn")
        print(study.best_value, len(study.trials))
        table = study.trials_dataframe()
    """
    return Notebook(registry.load_study(open_storage(storage), study_name), storage)


def _html(figure: go.Figure) -> str:
    """Without plotly.js."""
    figure = _dressed(figure).update_layout(height=HEIGHT)
    html: str = figure.to_html(full_html=False, include_plotlyjs=False, config=PLOTLY)
    return html


def _dressed(figure: go.Figure) -> go.Figure:
    return figure.update_layout(template="plotly_white", margin={"l": 60, "r": 20, "t": 20, "b": 50})
