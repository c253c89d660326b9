"""The checks of notebook 06: right answers in several styles pass, each known mistake has its name."""

import math

import numpy as np
import pytest

from rnn_lib import exercises
from rnn_lib.exercises.sine_wave import LARGEST

CHECKS = [
    exercises.check_last_value_mse, exercises.check_straight_line, exercises.check_windows, exercises.check_free_run,
]


def raises(*args):
    raise RuntimeError("my bug")


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (lambda *args: None, "not_started"), (lambda *args: ..., "not_started"), (raises, "exception"),
        (3, "wrong_type"), (None, "not_started"), (lambda *args: "text", "wrong_type"),
        (lambda *args: {"a": 1}, "wrong_type"), (lambda: 1, "exception"),
    ],
)
def test_anything_gets_a_verdict(check, answer, kind):
    report = check(answer)
    assert report.kind == kind and not report.passed


# ------------------------------------------------------------------------------------------- exercise 1


@pytest.mark.parametrize("answer", [
    lambda P: 1 - math.cos(2 * math.pi / P),
    lambda P: 2 * np.sin(np.pi / P) ** 2,
    lambda P: np.mean(np.diff(np.sin(2 * np.pi * np.arange(1000 * P + 1) / P)) ** 2),
])
def test_last_value_mse_right(answer):
    assert exercises.check_last_value_mse(answer).passed


@pytest.mark.parametrize(("answer", "kind"), [
    (lambda P: 4 * np.sin(np.pi / P) ** 2, "mean_square_missing"),
    (lambda P: np.sqrt(1 - np.cos(2 * np.pi / P)), "root"),
    (lambda P: 2 * np.sin(np.pi / P), "not_squared"),
    (lambda P: np.mean(np.abs(np.diff(np.sin(2 * np.pi * np.arange(1000 * P + 1) / P)))), "absolute"),
    (lambda P: (2 * np.pi / P) ** 2 / 2, "small_angle"),
    (lambda P: 2 * np.sin(2 * np.pi / P) ** 2, "half_angle"),
    (lambda P: np.sin(np.pi / P) ** 2, "factor_not_squared"),
    (lambda P: 1 - np.cos(360 / P), "degrees"),
    (lambda P: np.mean(np.diff(np.sin(2 * np.pi * np.arange(200) / P)) ** 2), "few_values"),
    (lambda P: np.sin(2 * np.pi / P) ** 2 / 2, "no_memory"),
    (lambda P: 2 * (1 - np.cos(2 * np.pi / P)) ** 2, "straight_line"),
    (lambda P: 1 / P, "unknown"),
    (lambda P: math.nan, "not_finite"),
])
def test_last_value_mse_wrong(answer, kind):
    assert exercises.check_last_value_mse(answer).kind == kind


# ------------------------------------------------------------------------------------------- exercise 2


def straight_line_loop(series):
    made = []
    for t in range(2, len(series)):
        made.append(2 * series[t - 1] - series[t - 2])
    return made


@pytest.mark.parametrize("answer", [
    straight_line_loop, lambda s: 2 * s[1:-1] - s[:-2], lambda s: s[1:-1] + np.diff(s)[:-1],
])
def test_straight_line_right(answer):
    assert exercises.check_straight_line(answer).passed


@pytest.mark.parametrize(("answer", "kind"), [
    (lambda s: s[1:-1], "last_value"),
    (lambda s: s[1:-1] + np.diff(s)[1:], "reads_the_future"),
    (lambda s: s[1:-1] - s[:-2], "step_only"),
    (lambda s: 2 * s[:-2] - s[1:-1], "swapped"),
    (lambda s: 2 * s[1:-1] + s[:-2], "sign"),
    (lambda s: s[2:] + np.diff(s)[1:], "reads_the_future"),
    (lambda s: 2 * s[1:-1] - s[2:], "reads_the_future"),
    (lambda s: 2 * s[1:] - s[:-1], "one_too_many"),
    (lambda s: (2 * s[1:-1] - s[:-2])[:-1], "late"),
    (lambda s: s[:-2], "unknown"),
    (lambda s: s[None], "wrong_shape"),
])
def test_straight_line_wrong(answer, kind):
    assert exercises.check_straight_line(answer).kind == kind


# ------------------------------------------------------------------------------------------- exercise 3


def windows_loop(series, length, count=0, ahead=1):
    """X and target by loops. `count` changes the number of windows, `ahead` says how far ahead the target is."""
    columns = range(len(series) - length + count)
    X = [[[series[b + t]] for b in columns] for t in range(length)]
    target = [[[series[(b + t + ahead) % len(series)]] for b in columns] for t in range(length)]
    return X, target


def windows_view(series, length):
    view = np.lib.stride_tricks.sliding_window_view(series, length).T[..., None]
    return view[:, :-1], view[:, 1:]


@pytest.mark.parametrize("answer", [windows_loop, windows_view, lambda s, n: [np.array(a) for a in windows_loop(s, n)]])
def test_windows_right(answer):
    assert exercises.check_windows(answer).passed


def changed(x=lambda X: X, y=lambda target: target):
    def answer(series, length):
        X, target = map(np.array, windows_loop(series, length))
        return x(X), y(target)
    return answer


def one_window_too_many(series, length):
    return np.lib.stride_tricks.sliding_window_view(series, length).T[..., None], windows_loop(series, length)[1]


def past_the_end(series, length):
    index = np.arange(length)[:, None] + np.arange(len(series) - length + 1)
    return series[index][..., None], series[index + 1][..., None]


@pytest.mark.parametrize(("answer", "kind"), [
    (past_the_end, "past_the_end"),
    (lambda s, n: windows_loop(s, n)[::-1], "pair_swapped"),
    (changed(x=lambda X: X.transpose(1, 0, 2).reshape(X.shape)), "reshaped"),
    (one_window_too_many, "one_too_many"),
    (lambda s, n: windows_loop(s, n, count=-1), "last_window_missing"),
    (lambda s, n: windows_loop(s, n, ahead=0), "target_is_input"),
    (lambda s, n: windows_loop(s, n, ahead=2), "two_ahead"),
    (lambda s, n: windows_loop(s, n, ahead=-1), "one_back"),
    (changed(x=lambda X: X.transpose(1, 0, 2), y=lambda target: target.transpose(1, 0, 2)), "batch_first"),
    (changed(y=lambda target: target.transpose(1, 0, 2)), "batch_first"),
    (changed(x=lambda X: X[..., 0]), "feature_missing"),
    (changed(x=lambda X: X[..., 0].T), "feature_missing"),
    (changed(y=lambda target: target[..., 0]), "feature_missing"),
    (changed(y=lambda target: target[-1]), "last_step_only"),
    (changed(y=lambda target: target[-1, :, 0]), "last_step_only"),
    (changed(x=lambda X: -X), "unknown"),
    (lambda s, n: windows_loop(s, n)[0], "wrong_type"),
    (lambda s, n: (None, None), "not_started"),
])
def test_windows_wrong(answer, kind):
    assert exercises.check_windows(answer).kind == kind


# ------------------------------------------------------------------------------------------- exercise 4


def run_by_hand(model, series, warm_up):
    """The equations, without model.forward."""
    p = model.params
    h, y, made = np.zeros((series.shape[1], model.hidden_size)), None, []
    for t in range(len(series)):
        x = series[t] if t < warm_up else y
        if t >= warm_up:
            made.append(y)
        h = np.tanh(x @ p["W_xh"].T + h @ p["W_hh"].T + p["b_h"])
        y = h @ p["W_hy"].T + p["b_y"]
    return np.array(made)


def run_again_from_the_start(model, series, warm_up):
    """No state at all: each step reads everything so far once more."""
    read = series[:warm_up]
    for _ in range(len(series) - warm_up):
        read = np.concatenate([read, model.forward(read)[-1:]])
    return read[warm_up:]


def run_with_state(model, series, warm_up, state=lambda model: model.state, feed=lambda y, series, t: y):
    y, made = model.forward(series[:warm_up])[-1:], []
    for t in range(warm_up, len(series)):
        made.append(y)
        y = model.forward(feed(y, series, t), state(model))
    return np.concatenate(made)


@pytest.mark.parametrize("answer", [run_by_hand, run_again_from_the_start, run_with_state])
def test_free_run_right(answer):
    assert exercises.check_free_run(answer).passed


def warm_up_forgotten(model, series, warm_up):
    y = model.forward(series[:warm_up])[-1:]
    made, state = [], None
    for _ in range(len(series) - warm_up):
        made.append(y)
        y = model.forward(y, state)
        state = model.state
    return np.concatenate(made)


def last_value_twice(model, series, warm_up, state=None):
    if state is None:
        model.forward(series[:warm_up])
        state = model.state
    x, made = series[warm_up - 1 : warm_up], []
    for _ in range(len(series) - warm_up):
        x = model.forward(x, state)
        state = model.state
        made.append(x)
    return np.concatenate(made)


def state_frozen(model, series, warm_up):
    y = model.forward(series[:warm_up])[-1:]
    state, made = model.state, []
    for _ in range(len(series) - warm_up):
        made.append(y)
        y = model.forward(y, state)
    return np.concatenate(made)


def starts_late(model, series, warm_up):
    y, made = model.forward(series[:warm_up])[-1:], []
    for _ in range(len(series) - warm_up):
        y = model.forward(y, model.state)
        made.append(y)
    return np.concatenate(made)


def a_little_of_the_future(model, series, warm_up):
    return run_with_state(model, series, warm_up) + 0.1 * series[warm_up:]


@pytest.mark.parametrize(("answer", "kind"), [
    (lambda m, s, w: run_with_state(m, s, w, feed=lambda y, series, t: series[t : t + 1]), "teacher_forced"),
    (lambda m, s, w: run_with_state(m, s, w, state=lambda model: None), "state_reset"),
    (warm_up_forgotten, "warm_up_forgotten"),
    (last_value_twice, "last_value_twice"),
    (state_frozen, "state_frozen"),
    (starts_late, "starts_late"),
    (lambda m, s, w: run_with_state(m, s, w, feed=lambda y, series, t: series[w - 1 : w]), "input_frozen"),
    (lambda m, s, w: run_by_hand(m, np.concatenate([s, s[-1:]]), w), "one_too_many"),
    (lambda m, s, w: run_by_hand(m, s, w)[:-1], "one_missing"),
    (lambda m, s, w: np.concatenate([m.forward(s[:w])[:-1], run_by_hand(m, s, w)]), "warm_up_included"),
    (lambda m, s, w: np.concatenate([s[:w], run_by_hand(m, s, w)]), "warm_up_included"),
    (lambda m, s, w: last_value_twice(m, s, w, state=np.zeros((s.shape[1], 3))), "no_warm_up"),
    (a_little_of_the_future, "reads_the_future"),
    (lambda m, s, w: run_by_hand(m, s, w) * 2, "unknown"),
    (lambda m, s, w: run_by_hand(m, s, w)[..., 0], "wrong_shape"),
    (lambda m, s, w: run_by_hand(m, s, w) * np.nan, "not_finite"),
])
def test_free_run_wrong(answer, kind):
    assert exercises.check_free_run(answer).kind == kind


# ------------------------------------------------------------------------------------------- exercise 5

ERRORS = dict(zip(range(1, LARGEST + 1), [0.73, 0.46, 0.33, 0.72, 0.011, 0.002, 0.004, 0.005], strict=True))


@pytest.mark.parametrize("answer", [5, np.int64(5), 5.0])
def test_hidden_sizes_right(answer):
    assert exercises.check_hidden_sizes(ERRORS, answer).passed


@pytest.mark.parametrize(("errors", "smallest", "kind"), [
    ({}, ..., "not_started"), (ERRORS, ..., "not_started"), ({}, 5, "not_started"), (None, None, "not_started"),
    (ERRORS, 6, "not_smallest"), (ERRORS, 4, "still_fails"), (ERRORS, 9, "unknown"), (ERRORS, "five", "wrong_type"),
    ([0.7, 0.4], 5, "wrong_type"), ({1: 0.7}, 5, "wrong_keys"),
    (ERRORS | {3: None}, 5, "not_finite"), (ERRORS | {3: math.nan}, 5, "not_finite"),
    (ERRORS | {3: "a"}, 5, "wrong_type"), (ERRORS | {3: [1, 2]}, 5, "wrong_type"),
    (ERRORS | {1: 0.0259}, 1, "teacher_forced"), (ERRORS | {3: np.array([0.4])}, 5, "wrong_type"),
    (dict.fromkeys(ERRORS, np.ones(3)), 5, "wrong_type"),
    (dict.fromkeys(ERRORS, 0.5), 5, "unknown"),
])
def test_hidden_sizes_wrong(errors, smallest, kind):
    assert exercises.check_hidden_sizes(errors, smallest).kind == kind


def test_an_array_of_errors_gets_a_verdict():
    assert exercises.check_hidden_sizes(np.arange(8.0), 5).kind == "wrong_type"
