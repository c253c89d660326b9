"""The checks of notebook 03's exercises: right answers pass, known mistakes are named, nothing raises."""

import numpy as np
import pytest
from oracles import Awkward, refuse_all

from rnn_lib import data, exercises
from rnn_lib.playgrounds.backward_walk import walk_back

NAMES = ("W_xh", "W_hh", "b_h", "W_hy", "b_y", "carry")
CHECKS = (
    exercises.check_loss_of_nudge, exercises.check_zero_gradients, exercises.check_pencil_dz,
    exercises.check_back_through_sigmoid, exercises.check_count_paths,
)


RUBBISH = [
    None, ..., 3, "text", [], {}, {"W_hh": 1}, [1.0, np.nan], [1, 2, 3], np.ones((2, 2, 2)), Awkward(), [Awkward()] * 2,
    lambda *args: None, lambda *args: 1 / 0, lambda *args: "text", lambda *args: np.full((3, 4), np.nan),
    lambda *args: Awkward(), lambda: 1, dict.fromkeys(NAMES, 2), dict.fromkeys(NAMES, Awkward()),
]


@pytest.mark.parametrize("check", CHECKS)
def test_no_answer_raises_or_passes_by_accident(check):
    refuse_all(check, RUBBISH)


def test_stubs_are_not_started():
    assert exercises.check_zero_gradients(dict.fromkeys(NAMES)).kind == "not_started"
    assert exercises.check_pencil_dz([None, None]).kind == "not_started"
    assert exercises.check_back_through_sigmoid(lambda dh_t, h_t: None).kind == "not_started"
    assert exercises.check_loss_of_nudge(lambda d: None).kind == "not_started"
    assert exercises.check_count_paths(lambda T: (None, None)).kind == "not_started"


# --- Exercise 1 -----------------------------------------------------------------------------------


def nudged_loss(d, steps=(2,), unit=0, name="b_h", after_tanh=False, reach=("y", "z"), reduce=np.mean,
                replace=False):
    """The loss of the tiny example with a nudge; `reach` says by which road it leaves step 2."""
    params, X, target = data.tiny_example()
    h, errors = np.zeros((1, 2)), []
    for t in (1, 2, 3):
        nudge = {key: np.zeros(len(params[key])) for key in ("b_h", "b_y")}
        if t in steps:
            nudge[name][unit] = d - replace * params[name][unit]
        z = X[t - 1] @ params["W_xh"].T + h @ params["W_hh"].T + params["b_h"]
        still = np.tanh(z)
        moved = still + nudge["b_h"] if after_tanh else np.tanh(z + nudge["b_h"])
        y = (moved if "y" in reach else still) @ params["W_hy"].T + params["b_y"] + nudge["b_y"]
        h = moved if "z" in reach else still
        errors.append(y - target[t - 1])
    return reduce(np.square(errors))


@pytest.mark.parametrize(("settings", "kind"), [
    ({}, "correct"), ({"steps": (1, 2, 3)}, "every_step"), ({"steps": (1,)}, "another_step"),
    ({"steps": (3,)}, "another_step"), ({"steps": (2, 3)}, "from_then_on"), ({"unit": 1}, "another_unit"),
    ({"unit": slice(None)}, "both_units"),
    ({"after_tanh": True}, "after_tanh"), ({"name": "b_y"}, "another_bias"), ({"reach": ("y",)}, "future_fixed"),
    ({"reach": ("z",)}, "own_output_missing"), ({"steps": ()}, "not_nudged"), ({"reduce": np.sum}, "scale"),
    ({"replace": True}, "bias_replaced"), ({"reduce": lambda squares: squares[-1].mean()}, "last_step_only"),
    ({"reduce": lambda squares: squares[-1].mean() / 3}, "last_step_only"),
])
def test_a_nudge_of_your_own(settings, kind):
    assert exercises.check_loss_of_nudge(lambda d: nudged_loss(d, **settings)).kind == kind


NUDGE = """
def loss_of_nudge(d):
    h, errors = np.zeros((1, 2)), []
    for t in (1, 2, 3):
        LINES
        h = np.tanh(X[t - 1] @ W_xh.T + h @ W_hh.T + bias)
        errors.append(h @ W_hy.T + b_y - target[t - 1])
    return np.mean(np.square(errors))
"""
IN_PLACE, ANEW = "if t == 2: b_h[0] += d\n        bias = b_h", "bias = b_h + [d * (t == 2), 0]"


def test_a_nudge_that_changes_the_notebooks_own_array_is_told_from_a_wrong_function():
    notebook = {"np": np}

    def run_cell(cell):
        exec(cell, notebook)
        return exercises.check_loss_of_nudge(notebook["loss_of_nudge"])

    def make_anew():
        params, notebook["X"], notebook["target"] = data.tiny_example()
        notebook.update(params, params=params)

    make_anew()
    assert run_cell(NUDGE.replace("LINES", ANEW)).passed
    for cell in (IN_PLACE, ANEW):  # the right function comes too late: b_h is 0.6 by then
        report = run_cell(NUDGE.replace("LINES", cell))
        assert report.kind == "argument_changed" and "b_h is no longer [0.1, -0.1]" in report.message
        assert "data.tiny_example()" in report.message and "arguments" not in report.message
    stub = "def loss_of_nudge(d):\n    pass"
    assert run_cell(stub).kind == "not_started"
    make_anew()
    assert run_cell(NUDGE.replace("LINES", ANEW)).passed
    notebook["params"] = "text"
    assert run_cell(NUDGE.replace("LINES", "bias = b_h")).kind == "not_nudged"


def test_a_nudge_whose_loss_comes_as_an_array():
    assert exercises.check_loss_of_nudge(lambda d: np.array([[nudged_loss(d)]])).passed


def test_a_nudge_given_as_a_slope():
    report = exercises.check_loss_of_nudge(lambda d: (nudged_loss(d) - nudged_loss(0)) / d)
    assert report.kind == "slope" and "per nudge" in report.message
    report = exercises.check_loss_of_nudge(lambda d: nudged_loss(d) - nudged_loss(0))
    assert report.kind == "slope" and "per nudge" not in report.message


# --- Exercise 2 -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("zero", "kind"), [
    ({"carry"}, "correct"), ({"carry", "W_hh"}, "weight_taken_for_gradient"), (set(), "carry_not_zero"),
    ({"carry", "b_y"}, "taken_for_zero"),
])
def test_zero_gradients(zero, kind):
    assert exercises.check_zero_gradients({name: name in zero for name in NAMES}).kind == kind
    assert exercises.check_zero_gradients({name: np.bool_(name in zero) for name in NAMES}).kind == kind


def test_the_answer_to_exercise_2_is_true():
    params, X, target = data.tiny_example()
    params["W_hh"][...] = 0
    ledger = tiny_ledger(params, X, lambda Y: 2 * (Y - target) / target.size)
    for name in NAMES[:-1]:
        assert any(np.any(ledger[t]["d" + name]) for t in (1, 2, 3))
    assert not any(np.any(ledger[t]["carry"]) for t in range(4))


# --- Exercise 3 -----------------------------------------------------------------------------------


def tiny_ledger(params, X, error):
    h = np.zeros((4, 1, 2))
    for t in (1, 2, 3):
        h[t] = np.tanh(X[t - 1] @ params["W_xh"].T + h[t - 1] @ params["W_hh"].T + params["b_h"])
    Y = h[1:] @ params["W_hy"].T + params["b_y"]
    return walk_back(params, X, h, error(Y))


def test_dz_by_pencil():
    params, X, target = data.tiny_example()
    only_last = np.array([0, 0, 1.0]).reshape(3, 1, 1)
    ledger = tiny_ledger(params, X, lambda Y: 2 * (Y - target) * only_last)
    right = ledger[2]["dz_t"][0]
    assert exercises.check_pencil_dz(right).passed
    assert exercises.check_pencil_dz(list(right.round(4))).passed
    assert exercises.check_pencil_dz(right + 1e-4).passed
    for off in ([1e-4, 1e-4], [-1e-4, 1e-4], [1e-4, -1e-4], [-1e-4, -1e-4]):  # of the rounded numbers
        assert exercises.check_pencil_dz(list(right.round(4) + off)).passed
    assert exercises.check_pencil_dz(list(right.round(2))).kind == "rounded"
    assert exercises.check_pencil_dz(list(right.round(3))).kind == "rounded"
    for wrong, kind in [
        (right / 3, "scale"), (right / 2, "scale"), (ledger[2]["dh_t"][0], "tanh_derivative_missing"),
        (np.zeros(2), "carry_missing"), (-right, "sign"), (ledger[3]["dz_t"][0], "stopped_early"),
        (-0.6604 / 0.3396 * right, "sign"),
        (((1 - np.square([-0.5013, 0.0189])) * ledger[2]["dh_t"])[0], "slope_of_another_step"),
        (((1 - 0.4393**2) * ledger[3]["dz_t"] @ params["W_hh"].T)[0], "unknown"),
    ]:
        assert exercises.check_pencil_dz(wrong).kind == kind
    h_2 = np.array([0.246496, -0.439320])
    assert exercises.check_pencil_dz((1 - h_2**2) * (params["W_hh"] @ ledger[3]["dz_t"][0])).kind == "W_hh_untransposed"
    no_slope = ledger[3]["dh_t"][0] @ params["W_hh"]
    assert "at both steps" in exercises.check_pencil_dz(no_slope).message
    assert "1 - h_3²" in exercises.check_pencil_dz((1 - h_2**2) * no_slope).message
    every_step = tiny_ledger(params, X, lambda Y: 2 * (Y - target) / 3)
    assert exercises.check_pencil_dz(every_step[2]["dz_t"][0]).kind == "loss_of_every_step"
    assert exercises.check_pencil_dz(3 * every_step[2]["dz_t"][0]).kind == "road_1_open"
    from_section_7 = (1 - h_2**2) * (every_step[2]["from_y"][0] + ledger[2]["carry"][0])
    assert exercises.check_pencil_dz(from_section_7).kind == "road_1_open"


# --- Exercise 4 -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("answer", "kind"), [
    (lambda dh, h: dh * h * (1 - h), "correct"),
    (lambda dh, h: (h - h**2) * dh, "correct"),
    (lambda dh, h: dh * (1 - h**2), "tanh_derivative"),
    (lambda dh, h: dh * np.exp(-h) / (1 + np.exp(-h)) ** 2, "double_sigmoid"),
    (lambda dh, h: h * (1 - h), "slope_only"),
    (lambda dh, h: dh, "slope_missing"),
    (lambda dh, h: dh * (1 - h), "factor_missing"),
    (lambda dh, h: dh * h, "factor_missing"),
    (lambda dh, h: dh / (1 + np.exp(-h)), "sigmoid_for_slope"),
    (lambda dh, h: (dh * h * (1 - h))[0], "wrong_shape"),
    (lambda dh, h: -dh * h * (1 - h), "sign"),
    (lambda dh, h: 2 * dh * h * (1 - h), "unknown"),
])
def test_back_through_sigmoid(answer, kind):
    assert exercises.check_back_through_sigmoid(answer).kind == kind


# --- Exercise 5 -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("answer", "kind"), [
    (lambda T: (T * (T + 1) // 2, T), "correct"),
    (lambda T: [T * (T + 1) / 2, float(T)], "correct"),
    (lambda T: (T, T * (T + 1) // 2), "swapped"),
    (lambda T: (T * T, T), "future_to_past"),
    (lambda T: (T * (T - 1) // 2, T), "same_step_missing"),
    (lambda T: (T * (T - 1) // 2, T - 1), "initial_state_zero"),
    (lambda T: (T * (T + 1) // 2, T - 1), "initial_state_zero"),
    (lambda T: (2**T, T), "chains_of_steps"),
    (lambda T: (2**T - 1, T), "chains_of_steps"),
    (lambda T: (T, 1), "last_output_only"),
    (lambda T: (T * (T + 1) // 2, 1), "one_step_only"),
    (lambda T: (6, 3), "unknown"),
    (lambda T: T * (T + 1) // 2, "wrong_shape"),
])
def test_count_paths(answer, kind):
    assert exercises.check_count_paths(answer).kind == kind


def test_single_precision_passes_with_a_remark():
    report = exercises.check_back_through_sigmoid(lambda dh, h: (dh * h * (1 - h)).astype(np.float32))
    assert report.passed and "single precision" in report.message
