"""Data: made from a seed, or shipped with the package (datasets/README.md has the sources)."""

import numpy as np

from rnn_lib.validation import check_array, check_int, check_number


def sine_wave(n_points=200, points_per_period=25, noise=0.0, seed=0):
    """Return n_points of sin(2 pi t / points_per_period), with normal noise of that standard deviation."""
    n_points = check_int("n_points", n_points)
    points_per_period = check_number("points_per_period", points_per_period, above=0)
    noise = check_number("noise", noise, minimum=0)
    rng = np.random.default_rng(check_int("seed", seed, minimum=0))
    return np.sin(2 * np.pi * np.arange(n_points) / points_per_period) + noise * rng.normal(size=n_points)


def windows(series, length, stride=1):
    """Cut a series into windows and, for each step, the value that comes next.

    Returns X and target, both (length, B, 1): target[t, b] is the value after X[t, b].
    """
    series = check_array("series", series, ("N",))
    length = check_int("length", length, maximum=len(series) - 1)
    stride = check_int("stride", stride)
    starts = np.arange(0, len(series) - length, stride)
    index = np.arange(length)[:, None] + starts
    return series[index][..., None], series[index + 1][..., None]


def tiny_example():
    """Return (params, X, target): the network of T=3, B=1, I=1, H=2, O=1 that notebooks 01 to 04 follow by hand."""
    params = {
        "W_xh": np.array([[0.5], [-0.3]]),
        "W_hh": np.array([[0.1, 0.4], [-0.2, 0.3]]),
        "b_h": np.array([0.1, -0.1]),
        "W_hy": np.array([[0.7, -0.5]]),
        "b_y": np.array([0.2]),
    }
    X = np.array([1.0, 0.5, -1.0]).reshape(3, 1, 1)
    target = np.array([0.5, 0.0, -0.5]).reshape(3, 1, 1)
    return params, X, target
