"""The checks of notebook 11's exercises: right answers pass, known mistakes are named, nothing raises."""

import numpy as np
import pytest
from oracles import Awkward, refuse_all

from rnn_lib import GRU, exercises
from rnn_lib.exercises.autograd import MISTAKES, PRESENT, keras_weights
from rnn_lib.interop import from_torch_state

CHECKS = (exercises.check_back_through_divide, exercises.check_undo_broadcast, exercises.check_from_keras,
          exercises.check_mystery_network)


RUBBISH = [
    None, ..., -3, "text", [], {}, {"W_hh": 1}, np.ones((2, 2)), np.nan, True, Awkward(), lambda *args: None,
    lambda *args: 1 / 0, lambda *args: "text", lambda *args: {}, lambda *args: np.full((4, 4), np.nan),
    lambda *args: Awkward(), lambda: 1, lambda *args: ("a", "b"), lambda *args: (Awkward(), Awkward()),
    lambda *args: dict.fromkeys(["W_xh", "W_hh", "b_xh", "b_hh"], Awkward()),
]


@pytest.mark.parametrize("check", CHECKS)
def test_no_answer_raises_or_passes_by_accident(check):
    refuse_all(check, RUBBISH)


def test_stubs_are_not_started():
    for check in CHECKS[:3]:
        assert check(lambda *args: None).kind == "not_started"
    assert exercises.check_mystery_network(...).kind == "not_started"


def undo(d, shape):
    d = d.sum(axis=tuple(range(d.ndim - len(shape))))
    return d.sum(axis=tuple(axis for axis, size in enumerate(shape) if size == 1), keepdims=True)


def from_keras(kernel, recurrent, bias, order=(1, 0, 2), transpose=True, rows=(0, 1)):
    def turned(array):
        blocks = np.split(array, 3, axis=-1)
        array = np.concatenate([blocks[k] for k in order], axis=-1)
        return array.T if transpose else array
    return {"W_xh": turned(kernel), "W_hh": turned(recurrent), "b_xh": turned(bias[rows[0]]),
            "b_hh": turned(bias[rows[1]])}


@pytest.mark.parametrize("check, answer", [
    (exercises.check_back_through_divide, lambda d, y, a, b: (d / b, -d * a / b**2)),
    (exercises.check_back_through_divide, lambda d, y, a, b: [d / b, -d * y / b]),
    (exercises.check_undo_broadcast, undo),
    (exercises.check_undo_broadcast, lambda d, shape: d if d.shape == shape else undo(d, shape)),
    (exercises.check_from_keras, from_keras),
    (exercises.check_mystery_network, "reshape"),
])
def test_right(check, answer):
    report = check(answer)
    assert report.passed, report


DIVIDE_WRONG = [
    (lambda d, y, a, b: d / b, "wrong_type"),
    (lambda d, y, a, b: (-d * y / b, d / b), "swapped"),
    (lambda d, y, a, b: (1 / b, -y / b), "d_missing"),
    (lambda d, y, a, b: (d * b, d * a), "scale"),
    (lambda d, y, a, b: (d * y, -d * y / b), "scale"),
    (lambda d, y, a, b: (d / b, d * y / b), "sign"),
    (lambda d, y, a, b: (d / b, -y / b), "d_missing"),
    (lambda d, y, a, b: (d / b, -d * y), "scale"),
    (lambda d, y, a, b: (d / b, -d * y / b**2), "scale"),
    (lambda d, y, a, b: (d / b, -d / b**2), "scale"),
    (lambda d, y, a, b: (d / b, d * a), "scale"),
    (lambda d, y, a, b: (d / b, d * a / b), "scale"),
    (lambda d, y, a, b: (d / b, d / a), "turned_round"),
    (lambda d, y, a, b: (d / b, d), "unknown"),
]


@pytest.mark.parametrize("answer, kind", DIVIDE_WRONG)
def test_divide_wrong(answer, kind):
    assert exercises.check_back_through_divide(answer).kind == kind


def in_front(d, shape):
    return d.sum(axis=tuple(range(d.ndim - len(shape))))


def stretched(d, shape):
    return tuple(i for i, n in enumerate((1,) * (d.ndim - len(shape)) + tuple(shape)) if n == 1)


def asks_d(d, shape):
    d = in_front(d, shape)
    return d.sum(axis=tuple(i for i, n in enumerate(d.shape) if n == 1), keepdims=True)


def first_copy(d, shape):
    return d[tuple(slice(1) if i in stretched(d, shape) else slice(None) for i in range(d.ndim))].reshape(shape)


def one_axis(d, shape):
    d = in_front(d, shape)
    return d.sum(axis=list(shape).index(1), keepdims=True) if 1 in shape else d


def axes_move_up(d, shape):
    d = in_front(d, shape)
    for i, n in enumerate(shape):
        if n == 1:
            d = d.sum(axis=i)
    return d.reshape(shape)


UNDO_WRONG = [
    (asks_d, "front_only"),
    (first_copy, "first_copy"),
    (lambda d, shape: in_front(d, shape)[tuple(slice(n) for n in shape)], "first_copy"),  # right in front
    (one_axis, "one_axis"),
    (lambda d, shape: d.mean(axis=stretched(d, shape), keepdims=True).reshape(shape), "mean"),
    (in_front, "front_only"),
    (lambda d, shape: d.sum(axis=stretched(d, shape)), "keepdims_missing"),
    (lambda d, shape: d.sum(axis=stretched(d, shape), keepdims=True), "keepdims_in_front"),
    (lambda d, shape: d, "not_summed"),
    (lambda d, shape: d.sum(), "total"),
    (lambda d, shape: np.full(shape, d.sum()), "total"),
    (lambda d, shape: 0 * undo(d, shape), "unknown"),
]


@pytest.mark.parametrize("answer, kind", UNDO_WRONG)
def test_undo_wrong(answer, kind):
    assert exercises.check_undo_broadcast(answer).kind == kind


@pytest.mark.parametrize("answer", [axes_move_up, lambda d, shape: d.reshape(shape)])
def test_undo_raises_and_is_told_why(answer):
    report = exercises.check_undo_broadcast(answer)
    assert report.kind == "exception" and "without keepdims=True" in report.message


def changed(name, change):
    def answer(kernel, recurrent, bias):
        right = from_keras(kernel, recurrent, bias)
        return {**right, name: change(right)}
    return answer


KERAS_WRONG = [
    *((lambda *w, order=order: from_keras(*w, order=order), "order")
      for order in [(0, 1, 2), (2, 0, 1), (1, 2, 0), (0, 2, 1), (2, 1, 0)]),
    *((changed(name, lambda right, name=name, order=order: np.concatenate(
        [np.split(right[name], 3)[k] for k in order])), "order")
      for name in ("W_xh", "W_hh", "b_xh", "b_hh")
      for order in [(1, 0, 2), (2, 1, 0), (0, 2, 1), (1, 2, 0), (2, 0, 1)]),
    *((changed(name, lambda right, name=name: right[name].T), "not_transposed") for name in ("W_xh", "W_hh")),
    *((changed(name, lambda right, name=name: np.concatenate(
        [np.split(right[name], 3)[k] for k in (1, 0, 2)]).T), "not_transposed") for name in ("W_xh", "W_hh")),
    *((changed(name, lambda right, name=name, order=order, turn=turn: turn(np.concatenate(np.split(np.concatenate(
        [np.split(right[name], 3)[k] for k in order]).T, 3, axis=1)))), "wrong_axis")
      for name in ("W_xh", "W_hh") for order in [(0, 1, 2), (1, 0, 2)] for turn in (np.array, np.transpose)),
    *((changed(name, lambda right, name=name, order=order, then=then: np.concatenate([np.split(np.concatenate(
        [np.split(right[name], 3)[k] for k in order]).T.reshape(right[name].shape), 3)[k] for k in then])), "reshaped")
      for name in ("W_xh", "W_hh") for order, then in [((1, 0, 2), (0, 1, 2)), ((1, 0, 2), (1, 0, 2)),
                                                       ((0, 1, 2), (0, 1, 2))]),
    (lambda *w: from_keras(*w, rows=(1, 0)), "rows_swapped"),
    (changed("b_hh", lambda right: right["b_xh"]), "rows_swapped"),
    *((changed(name, lambda right: right["b_xh"] + right["b_hh"]), "summed") for name in ("b_xh", "b_hh")),
    (changed("W_hh", lambda right: 2 * right["W_hh"]), "unknown"),
    (lambda *w: {"W_xh": 1}, "wrong_keys"),
]


@pytest.mark.parametrize("answer, kind", KERAS_WRONG)
def test_keras_wrong(answer, kind):
    assert exercises.check_from_keras(answer).kind == kind


def test_keras_weights_are_those_of_a_gru():
    """By Keras's documented equations, with reset_after=True."""
    gru = GRU(input_size=2, hidden_size=4, output_size=1, seed=3)
    kernel, recurrent, bias = keras_weights(gru.params)
    rng = np.random.default_rng(0)
    x, h = rng.normal(size=(1, 3, 2)), rng.normal(size=(3, 4))
    sums = x[0] @ kernel + bias[0], h @ recurrent + bias[1]
    (x_z, x_r, x_h), (h_z, h_r, h_h) = (np.split(a, 3, axis=1) for a in sums)
    z, r = (1 / (1 + np.exp(-a)) for a in (x_z + h_z, x_r + h_r))
    gru.forward(x, h)
    np.testing.assert_allclose(gru.state, z * h + (1 - z) * np.tanh(x_h + r * h_h), rtol=0, atol=1e-14)


def test_the_mystery_network_has_its_mistake_and_none_of_the_others():
    X = np.random.default_rng(0).normal(size=(6, 3, 1))
    Y = exercises.mystery_network(X)
    assert np.array_equal(Y, exercises.mystery_network(X))  # no state is kept
    changed = X.copy()
    changed[2, 1] += 0.1
    moved = np.argwhere(exercises.mystery_network(changed) != Y)[:, :2].tolist()
    assert moved == [[2, 1], [2, 2], [3, 0], [3, 1], [3, 2]]  # places 7 to 11 of rows of six
    with pytest.raises(ValueError, match=r"^X: expected shape \(T, B, 1\), got \(6, 3\)$"):
        exercises.mystery_network(X[..., 0])
    kinds = {exercises.check_mystery_network(mistake).kind for mistake in set(MISTAKES) - {PRESENT}}
    assert kinds == {"taken_for_batch_first", "taken_for_flip", "taken_for_kept_state"}


def test_the_right_keras_answer_makes_a_gru():
    gru = GRU(input_size=2, hidden_size=4, output_size=1, seed=3)
    ours = from_keras(*keras_weights(gru.params))
    state = {"weight_ih_l0": ours["W_xh"], "weight_hh_l0": ours["W_hh"], "bias_ih_l0": ours["b_xh"],
             "bias_hh_l0": ours["b_hh"], "weight": gru.params["W_hy"], "bias": gru.params["b_y"]}
    for name, p in from_torch_state("GRU", state).params.items():
        np.testing.assert_array_equal(p, gru.params[name])
