"""A Gaussian process with a Matern kernel of 5/2, a length scale for each parameter, and noise.

Its settings have the largest posterior density. The prior of length scales grows with the number of parameters. It is
that of Hvarfner et al., "Vanilla Bayesian Optimization Performs Great in High Dimensions" (ICML 2024).
"""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_solve, solve_triangular
from scipy.optimize import minimize

Floats: TypeAlias = npt.NDArray[np.float64]

FITTED = 70
"""Number of points that the settings are fitted to: the better half, and some of the others."""

ITERATIONS = 15
"""Steps of the fit. It starts anew each time, so that a study that is resumed goes on as if it had not stopped."""

SPREAD = math.sqrt(3)
"""Standard deviation of the logarithm of a length scale, before anything is known."""

NOISE = -4.0
"""Mean of the logarithm of the noise's variance, before anything is known; its standard deviation is 1."""

JITTER = 1e-6
SCALES, NOISES = (-3.0, 5.0), (-10.0, 1.0)
"""Bounds of the logarithms of length scales and of the noise."""


class GaussianProcess:
    """A model of values by points.

    Args:
        points: (N, F), at least one.
        values: (N,), of mean 0 and variance 1.
        owners: (F,), the parameter of each coordinate, counted from 0.
    """

    def __init__(self, points: Floats, values: Floats, owners: npt.NDArray[np.int64]) -> None:
        fitted = _most_telling(values)
        scales, noise = _fit(points[fitted], values[fitted], owners)
        self._weights = 1 / scales[owners]
        self._noise = noise + JITTER
        self._points = points * self._weights
        self._values = values
        covariance = _matern(_squares(self._points, self._points)) + self._noise * np.eye(len(points))
        self._root = np.linalg.cholesky(covariance)
        self._solved = cho_solve((self._root, True), values)

    def predict(self, points: Floats) -> tuple[Floats, Floats]:
        """Return the means and the variances at points, (N, F), each (N,)."""
        shared = _matern(_squares(points * self._weights, self._points))
        half = solve_triangular(self._root, shared.T, lower=True, check_finite=False)
        return shared @ self._solved, np.maximum(1 - (half * half).sum(0), 1e-10)

    def believe(self, points: Floats) -> None:
        """Add points, (N, F), whose values are not known yet, each with its mean.

        This is the kriging believer of Ginsbourger et al., "Kriging is well-suited to parallelize optimization" (2010).
        """
        for point in points * self._weights:
            shared = _matern(_squares(point[None], self._points))[0]
            mean = float(shared @ self._solved)
            row = solve_triangular(self._root, shared, lower=True, check_finite=False)
            known = len(self._points)
            root = np.zeros((known + 1, known + 1))
            root[:known, :known], root[known, :known] = self._root, row
            root[known, known] = math.sqrt(max(1 + self._noise - row @ row, JITTER))
            self._root, self._points = root, np.vstack([self._points, point])
            self._values = np.append(self._values, mean)
            self._solved = cho_solve((root, True), self._values)


def _most_telling(values: Floats) -> npt.NDArray[np.int64]:
    """Return the numbers of the points to fit, ascending: all, or the better half and a sample of the others."""
    if len(values) <= FITTED:
        return np.arange(len(values))
    order, half = np.argsort(values, kind="stable"), FITTED // 2
    others = order[half:]
    sample = others[np.linspace(0, len(others) - 1, FITTED - half).round().astype(int)]
    return np.sort(np.concatenate([order[:half], sample]))


def _fit(points: Floats, values: Floats, owners: npt.NDArray[np.int64]) -> tuple[Floats, float]:
    """Return the length scales of all parameters, and the variance of the noise."""
    dimensions, count = int(owners[-1]) + 1, len(values)
    squares = np.empty((dimensions, count * count))
    for i in range(dimensions):
        own = points[:, owners == i]
        squares[i] = _squares(own, own).ravel()
    mean = math.sqrt(2) + math.log(dimensions) / 2
    identity = np.eye(count)

    def loss(settings: Floats) -> tuple[float, Floats]:
        """Return the negative log posterior, but for a constant, and its gradient."""
        logs, noise = settings[:-1], math.exp(settings[-1])
        weights = np.exp(-2 * logs)
        distance = np.sqrt(5 * (weights @ squares).reshape(count, count))
        decay = np.exp(-distance)
        covariance = (1 + distance + distance**2 / 3) * decay + (noise + JITTER) * identity
        root = np.linalg.cholesky(covariance)
        half = solve_triangular(root, identity, lower=True, check_finite=False)
        inverse = half.T @ half
        solved = inverse @ values
        by_covariance = (inverse - np.outer(solved, solved)) / 2
        by_square = -(5 / 6) * (1 + distance) * decay * by_covariance
        off, noise_off = (logs - mean) / SPREAD, settings[-1] - NOISE
        found = values @ solved / 2 + np.log(np.diag(root)).sum() + off @ off / 2 + noise_off**2 / 2
        gradient = np.append(
            -2 * weights * (squares @ by_square.ravel()) + off / SPREAD, np.trace(by_covariance) * noise + noise_off
        )
        return float(found), gradient

    start = np.append(np.full(dimensions, math.log(0.5) + math.log(dimensions) / 4), NOISE)
    bounds = [SCALES] * dimensions + [NOISES]
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": ITERATIONS}).x
    return np.exp(best[:-1]), math.exp(best[-1])


def _squares(some: Floats, others: Floats) -> Floats:
    """Return the squared distances of all pairs, (N, F) and (M, F) to (N, M)."""
    lengths: Floats = (some * some).sum(1)[:, None] + (others * others).sum(1)[None]
    squares: Floats = np.maximum(lengths - 2 * some @ others.T, 0.0)
    return squares


def _matern(squares: Floats) -> Floats:
    distance = np.sqrt(5 * squares)
    return (1 + distance + distance**2 / 3) * np.exp(-distance)
