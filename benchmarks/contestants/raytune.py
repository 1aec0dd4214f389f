"""Ray Tune with a function trainable and the loaders of the plain script, a core for each trial."""

from __future__ import annotations

from typing import Any

from optuna.trial import FixedTrial

from benchmarks.contestants.plain import epochs_of
from benchmarks.contestants.race import Answer, Clock, Work, play
from benchmarks.jobs import Params

SHORT = "short"
"""Marks a trial that only warms up."""


def run(work: Work) -> Answer:
    """Train the trials."""
    try:
        import ray
        from ray import tune
    except ImportError as error:
        return Answer(cannot=f"{error}")
    clock = Clock(work)

    def trainable(config: dict[str, Any]) -> None:
        params: Params = config["params"]
        for value in epochs_of(work, FixedTrial(params), 1 if config[SHORT] else work.what.epochs):
            tune.report({"accuracy": value})

    def tuned(params: list[Params], short: bool) -> list[float]:
        space = {"params": tune.grid_search(params), SHORT: short}
        settings = tune.RunConfig(storage_path=work.folder, verbose=0)
        results = tune.Tuner(trainable, param_space=space, run_config=settings).fit()
        return [float(best) for best in results.get_dataframe("accuracy", "max")["accuracy"]]

    ray.init(include_dashboard=False, log_to_driver=False)
    clock.ready()
    tuned(work.params[:2], short=True)
    clock.go()
    answer = clock.stop(tuned(work.params, short=False))
    ray.shutdown()
    return answer


if __name__ == "__main__":
    play(run)
