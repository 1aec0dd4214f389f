"""The Gaussian process against formulas by hand and numeric gradients."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import approx_fprime, minimize
from scipy.stats import norm

from tuner.study.tree_gp import surrogate
from tuner.study.tree_gp.acquisition import log_improvement
from tuner.study.tree_gp.surrogate import GaussianProcess

OWNERS = np.array([0, 1, 1])


def made(count: int = 25) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(0)
    points = chance.random((count, 3))
    values = np.sin(6 * points[:, 0]) + points[:, 1] + 0.05 * chance.normal(size=count)
    return points, (values - values.mean()) / values.std()


def test_means_and_variances_are_those_of_the_textbook() -> None:
    points, values = made()
    process = GaussianProcess(points, values, OWNERS)
    wanted = np.random.default_rng(1).random((7, 3))

    def kernel(some: np.ndarray, others: np.ndarray) -> np.ndarray:
        apart = (some[:, None] - others[None]) * process._weights
        distance = np.sqrt(5 * (apart**2).sum(-1))
        shared: np.ndarray = (1 + distance + distance**2 / 3) * np.exp(-distance)
        return shared

    inverse = np.linalg.inv(kernel(points, points) + process._noise * np.eye(len(points)))
    shared = kernel(wanted, points)
    means, variances = process.predict(wanted)
    np.testing.assert_allclose(means, shared @ inverse @ values, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(variances, 1 - np.einsum("ij,jk,ik->i", shared, inverse, shared), rtol=1e-4, atol=1e-7)


def test_points_that_run_change_variances_as_known_ones_and_no_means() -> None:
    points, values = made()
    process, other = GaussianProcess(points, values, OWNERS), GaussianProcess(points, values, OWNERS)
    running, wanted = np.random.default_rng(2).random((2, 4, 3))

    process.believe(running)

    means, variances = process.predict(wanted)
    before, wider = other.predict(wanted)
    np.testing.assert_allclose(means, before, atol=1e-6)
    assert (variances < wider + 1e-12).all()
    assert process.predict(running)[1].max() < other.predict(running)[1].max() / 2


def test_the_gradient_of_the_fit_is_that_of_finite_differences(monkeypatch: pytest.MonkeyPatch) -> None:
    points, values = made()
    seen = []

    def spy(loss, start, **options):  # type: ignore[no-untyped-def]  # as scipy's own
        seen.append(loss)
        return minimize(loss, start, **options)

    monkeypatch.setattr(surrogate, "minimize", spy)
    GaussianProcess(points, values, OWNERS)

    at = np.array([-0.7, 0.3, -3.0])
    numeric = approx_fprime(at, lambda settings: seen[0](settings)[0], 1e-6)
    np.testing.assert_allclose(seen[0](at)[1], numeric, rtol=1e-3, atol=1e-3)


def test_a_parameter_without_effect_gets_a_long_scale() -> None:
    points, _ = made(60)
    values = np.sin(6 * points[:, 0])
    process = GaussianProcess(points, (values - values.mean()) / values.std(), OWNERS)

    assert process._weights[0] > 5 * process._weights[1]


def test_the_improvement_is_that_of_the_formula_also_far_away() -> None:
    means, deviation, best = np.linspace(-2, 30, 40), 0.7, 0.1
    found = log_improvement(means, np.full(40, deviation**2), best)
    off = (best - means) / deviation
    exact = off > -8
    expected = np.log(deviation * (off[exact] * norm.cdf(off[exact]) + norm.pdf(off[exact])))
    np.testing.assert_allclose(found[exact], expected, rtol=1e-4)
    assert np.isfinite(found).all()
    assert (np.diff(found) < 0).all()


def test_many_points_are_fitted_by_the_better_half_and_some_others() -> None:
    values = np.random.default_rng(3).normal(size=500)

    chosen = surrogate._most_telling(values)

    assert len(chosen) == surrogate.FITTED == len(set(chosen.tolist()))
    best = set(np.argsort(values)[: surrogate.FITTED // 2].tolist())
    assert best <= set(chosen.tolist())
    assert values[chosen].max() == values.max()
