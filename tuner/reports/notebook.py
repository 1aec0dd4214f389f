"""A study in a notebook: a cell that ends with it shows its facts, its best trials and two plots."""

from __future__ import annotations

import plotly.graph_objects as go
import plotly.offline
from jinja2 import Environment, PackageLoader, select_autoescape

from tuner import plots
from tuner.config import DEFAULT_STORAGE
from tuner.plots import PLOTLY
from tuner.plots.pareto_front import pareto
from tuner.results.results import Results
from tuner.results.summary import headline, summary
from tuner.runtime.rounding import value_text
from tuner.storage import open_storage
from tuner.study import Attended, registry

HEIGHT = 320
"""Height of a figure in a cell, in pixels."""

MOST_PARAMETERS = 8
"""Largest number of parameters in the table, a column each."""


class Notebook(Attended):
    """A study that displays itself in a notebook."""

    def figures(self) -> dict[str, go.Figure]:
        """Return the figures of the report by title, without Pareto fronts and timelines.

        Plots without enough data are left out. Each figure displays itself by `plotly.io.renderers`.
        """
        drawn = plots.all_plots(Results(self))
        return {plot.title: _dressed(plot.figure) for plot in drawn if plot.figure is not None}

    def __repr__(self) -> str:
        return headline(Results(self))

    def _repr_html_(self) -> str:
        """Return one self-contained piece of HTML, with plotly.js in it (5 MB).

        So a notebook that is reopened, exported or shown by another program still shows the study.
        """
        results = Results(self)
        short = summary(results)
        environment = Environment(loader=PackageLoader("tuner.reports"), autoescape=select_autoescape(["html", "j2"]))
        environment.filters["short"] = value_text
        course = plots.history(results) if self.goal.single else pareto(results)
        drawn = [course, plots.importances(results)]
        return environment.get_template("notebook.html.j2").render(
            summary=short,
            parameters=short.parameters[:MOST_PARAMETERS],
            plots=[(plot.title, _html(plot.figure), plot.notes) for plot in drawn if plot.figure is not None],
            plotly_js=plotly.offline.get_plotlyjs(),
        )


def load_study(study_name: str, *, storage: str = DEFAULT_STORAGE) -> Notebook:
    """Return a study to look at: its records, best trials and figures. A notebook displays it.

    Args:
        study_name: the name of the study.
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
    """Return a figure as HTML without plotly.js."""
    figure = _dressed(figure).update_layout(height=HEIGHT)
    html: str = figure.to_html(full_html=False, include_plotlyjs=False, config=PLOTLY)
    return html


def _dressed(figure: go.Figure) -> go.Figure:
    return figure.update_layout(template="plotly_white", margin={"l": 60, "r": 20, "t": 20, "b": 50})
