"""Sine waves, windows and the tiny example."""

import functools
import tracemalloc

import numpy as np
import pytest

from rnn_lib import LSTM, RNN
from rnn_lib.data import (
    brackets,
    first_symbol,
    logistic_map,
    one_hot,
    parity,
    random_labels,
    sine_wave,
    streams,
    tiny_example,
    windows,
)
from rnn_lib.generate import sample
from rnn_lib.ground.seeds import generator
from rnn_lib.initialization import chrono, orthogonal


def test_sine_wave_is_a_sine():
    wave = sine_wave(n_points=101, points_per_period=25)
    assert wave.shape == (101,)
    np.testing.assert_allclose(wave, [np.sin(2 * np.pi * n / 25) for n in range(101)], rtol=1e-14, atol=1e-14)
    assert wave[0] == 0 and wave[:25].max() > 0.99
    np.testing.assert_allclose(wave[25:], wave[:-25], atol=1e-13)
    assert len(sine_wave()) == 200
    np.testing.assert_array_equal(sine_wave(), sine_wave(200, 25, 0.0, 0))
    np.testing.assert_allclose(sine_wave(3, points_per_period=0.5), 0, atol=1e-14)


def test_noise_is_added_has_its_standard_deviation_and_follows_the_seed():
    clean, noisy = sine_wave(4000), sine_wave(4000, noise=0.3, seed=1)
    noise = noisy - clean
    assert noise.std() == pytest.approx(0.3, rel=0.03) and abs(noise.mean()) < 0.02
    np.testing.assert_array_equal(noisy, sine_wave(4000, noise=0.3, seed=1))
    assert (noisy != sine_wave(4000, noise=0.3, seed=2)).all()
    drawn = generator(0, "sine_wave").normal(size=5)  # notebooks print what came of these very numbers
    np.testing.assert_allclose(sine_wave(5, noise=2.0), sine_wave(5) + 2 * drawn, rtol=1e-13)


def test_logistic_map_is_the_map():
    np.testing.assert_allclose(logistic_map(4, start=0.25, r=2.0), [0.25, 0.375, 0.46875, 0.498046875], rtol=1e-15)
    np.testing.assert_array_equal(logistic_map(), logistic_map(500, 0.3, 4.0))
    series = logistic_map(3000)
    assert series[0] == 0.3 and series.min() > 0 and series.max() < 1 and len(series) == 3000
    # x = sin(a)^2 doubles the angle a in each step: the closed form, as far as rounding lets one follow it
    exact = np.sin(2.0 ** np.arange(20) * np.arcsin(np.sqrt(0.3))) ** 2
    np.testing.assert_allclose(series[:20], exact, atol=1e-8)


def test_errors_in_the_logistic_map_grow_by_ln_2_a_step():
    series = logistic_map(3000)
    assert np.log(np.abs(4 * (1 - 2 * series))).mean() == pytest.approx(np.log(2), abs=0.01)


def test_windows_by_hand():
    X, target = windows([10, 11, 12, 13, 14], length=3)
    assert X.shape == target.shape == (3, 2, 1)
    np.testing.assert_array_equal(X[..., 0].T, [[10, 11, 12], [11, 12, 13]])
    np.testing.assert_array_equal(target[..., 0].T, [[11, 12, 13], [12, 13, 14]])


@pytest.mark.parametrize("n, length, stride, starts", [
    (5, 4, 1, [0]), (2, 1, 9, [0]), (5, 1, 1, [0, 1, 2, 3]), (10, 3, 2, [0, 2, 4, 6]), (10, 3, 7, [0]),
    (11, 3, 7, [0, 7])])
def test_every_window_that_fits_and_no_other(n, length, stride, starts):
    X, target = windows(np.arange(n), length, stride)
    np.testing.assert_array_equal(X[0, :, 0], starts)
    np.testing.assert_array_equal(X[..., 0], np.arange(length)[:, None] + starts)
    np.testing.assert_array_equal(target, X + 1)


def test_streams_by_hand():
    np.testing.assert_array_equal(streams([10, 11, 12, 13, 14, 15, 16], 3), [[10, 12, 14], [11, 13, 15]])
    np.testing.assert_array_equal(streams([10, 11, 12], 1), [[10], [11], [12]])
    np.testing.assert_array_equal(streams([10, 11, 12], 3), [[10, 11, 12]])


@pytest.mark.parametrize("shape", [(), (3,), (2, 3)])
def test_each_stream_is_a_piece_of_the_series_whatever_an_entry_is(shape):
    series = np.random.default_rng(0).normal(size=(23, *shape)).astype(np.float32)
    cut = streams(series, 4)
    assert cut.shape == (5, 4, *shape) and cut.dtype == np.float32
    for b in range(4):
        np.testing.assert_array_equal(cut[:, b], series[5 * b : 5 * (b + 1)])


def test_streams_are_copies():
    series = np.arange(6)
    streams(series, 1)[...] = -1
    np.testing.assert_array_equal(series, np.arange(6))


def test_windows_are_copies():
    series = np.arange(6.0)
    X, target = windows(series, 2)
    X[...] = target[...] = -1
    np.testing.assert_array_equal(series, np.arange(6))


@pytest.mark.parametrize("make, defaults", [
    (first_symbol, (200, 10, 4, 0)), (parity, (200, 10, 0)), (brackets, (200, 10, 0)), (sine_wave, (200, 25, 0.0, 0)),
    (functools.partial(random_labels, 9, 5), (0,))])
def test_the_defaults(make, defaults):
    for default, explicit in zip(make(), make(*defaults), strict=True):
        np.testing.assert_array_equal(default, explicit)


def test_tiny_example_is_small_round_and_new_each_time():
    params, X, target = tiny_example()
    assert {name: p.shape for name, p in params.items()} == {
        "W_xh": (2, 1), "W_hh": (2, 2), "b_h": (2,), "W_hy": (1, 2), "b_y": (1,)}
    assert X.shape == target.shape == (3, 1, 1)
    for array in [*params.values(), X, target]:
        assert array.dtype == np.float64
        np.testing.assert_array_equal(array, np.round(array, 1))
        array[...] = 0
    assert tiny_example()[0]["W_xh"][0, 0] == 0.5, "what a caller does to it stays with the caller"


def test_tiny_example_has_the_numbers_the_notebooks_print():
    params, X, target = tiny_example()
    assert {name: p.tolist() for name, p in params.items()} == {
        "W_xh": [[0.5], [-0.3]], "W_hh": [[0.1, 0.4], [-0.2, 0.3]], "b_h": [0.1, -0.1], "W_hy": [[0.7, -0.5]],
        "b_y": [0.2]}
    assert X.ravel().tolist() == [1.0, 0.5, -1.0] and target.ravel().tolist() == [0.5, 0.0, -0.5]


def test_equal_seeds_tie_nothing_together():
    """Data, weights and the order of batches draw from streams of their own, whatever the seed."""
    from rnn_lib import RNN, data

    for seed in range(5):
        n, generated = 400, {}
        generated["first symbol"] = data.first_symbol(n, length=1, n_symbols=2, seed=seed)[1]
        generated["parity"] = data.parity(n, length=1, seed=seed)[1][0]
        generated["brackets"] = data.brackets(n, length=6, seed=seed)[1]
        generated["random labels"] = data.random_labels(n, 2, seed=seed)
        generated["noise"] = data.sine_wave(n, noise=100.0, seed=seed) > 0
        generated["weights"] = RNN(n, 1, 1, seed=seed).params["W_xh"][0] > 0
        for a, one in generated.items():
            for b, other in generated.items():
                agree = np.mean(one.astype(bool) == other.astype(bool))
                assert a == b or abs(agree - 0.5) < 0.13, (seed, a, b, agree)  # five standard deviations


def test_a_seed_gives_the_numbers_that_it_always_gave():
    """The lessons print what came of them, and whoever runs a cell again should see the same."""
    drawn = [first_symbol(8)[1], parity(8)[1][0], brackets(8)[1], random_labels(8, 10)]
    assert ["".join(map(str, labels)) for labels in drawn] == ["03203102", "11000010", "01101010", "63066910"]
    assert brackets(3, 6)[0].argmax(axis=-1).T.tolist() == [[0, 1, 1, 0, 0, 1], [0, 0, 0, 1, 1, 1], [0, 1, 1, 0, 0, 1]]
    np.testing.assert_allclose(orthogonal(RNN(1, 2, 1)).params["W_hh"][0], [-0.92459807, -0.3809441], atol=1e-8)
    np.testing.assert_allclose(chrono(LSTM(1, 1, 1), 30).params["b_h"][:2], [-1.41844943, 1.41844943], atol=1e-8)
    assert sample(RNN(4, 3, 4), np.array([[0, 1]]), 6).T.tolist() == [[2, 0, 0, 0, 2, 3], [0, 0, 3, 2, 0, 3]]


def test_one_hot_takes_memory_for_its_vectors_only():
    tracemalloc.start()
    try:
        X = one_hot([[4_999, 0]], 5_000)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert X.shape == (1, 2, 5_000) and X.dtype == float
    assert X.sum() == 2 and X[0, 0, 4_999] == X[0, 1, 0] == 1
    assert most < 5 * X.nbytes  # a table of all vectors would be 2,500 times as large
