"""The checks of notebook 04's exercises but its last: right answers pass, known mistakes are named, nothing raises."""

import numpy as np
import pytest
from oracles import Awkward, refuse_all

from rnn_lib import exercises
from rnn_lib.playgrounds.backward_walk import walk_back

KEYS = [("mean", "dY"), ("mean", "dW_hh"), ("sum", "dY"), ("sum", "dW_hh")]
CHECKS = (exercises.check_batch_factors, exercises.check_initial_state_gradient, exercises.check_weight_gradients,
          exercises.check_stacked_gradients)


RUBBISH = [
    None, ..., 3, "text", [], {}, {"W_hh": 1}, np.ones((2, 2, 2)), Awkward(), lambda *args: None, lambda *args: 1 / 0,
    lambda *args: "text", lambda *args: {}, lambda *args: np.full((3, 4), np.nan), lambda *args: Awkward(), lambda: 1,
    dict.fromkeys(KEYS, "text"), dict.fromkeys(KEYS, Awkward()), dict.fromkeys(KEYS, True), dict.fromkeys(KEYS, np.nan),
    lambda *args: dict.fromkeys(["W_xh", "W_hh", "b_h", "W_hy", "b_y"], Awkward()),
]


@pytest.mark.parametrize("check", CHECKS)
def test_no_answer_raises_or_passes_by_accident(check):
    refuse_all(check, RUBBISH)


def test_stubs_are_not_started():
    assert exercises.check_batch_factors(dict.fromkeys(KEYS)).kind == "not_started"
    assert exercises.check_initial_state_gradient(lambda *args: None).kind == "not_started"
    assert exercises.check_weight_gradients(lambda *args: None).kind == "not_started"


# --- Exercise 1 -----------------------------------------------------------------------------------


def test_batch_factors():
    assert exercises.check_batch_factors(dict(zip(KEYS, (0.25, 1, 1, 4), strict=True))).passed
    assert exercises.check_batch_factors(dict(zip(KEYS, (np.float64(0.25), 1.0, 1, 4), strict=True))).passed
    for i, key in enumerate(KEYS):
        wrong = [0.25, 1, 1, 4]
        wrong[i] = 2
        report = exercises.check_batch_factors(dict(zip(KEYS, wrong, strict=True)))
        assert report.kind == "unknown" and report.message.startswith(", ".join(key))
    for factors, kind in [
        ((1, 1, 1, 4), "mean_not_shared_out"), ((4, 1, 1, 4), "upside_down"), ((0.25, 4, 1, 4), "mean_not_shared_out"),
        ((0.25, 0.25, 1, 4), "copies_not_added"), ((0.25, 1, 0.25, 4), "sum_shared_out"),
        ((0.25, 1, 4, 4), "copies_added_in_dY"), ((0.25, 1, 1, 1), "copies_not_added"),
        ((0.25, 1, 1, 0.25), "sum_shared_out"),
    ]:
        assert exercises.check_batch_factors(dict(zip(KEYS, factors, strict=True))).kind == kind, factors
    report = exercises.check_batch_factors(dict(zip(KEYS, ("1/4", 1, 1, 4), strict=True)))
    assert report.kind == "wrong_type" and report.message.endswith("without quotes.")


def test_the_answer_to_exercise_1_is_true():
    rng = np.random.default_rng(0)
    params = {"W_xh": rng.normal(size=(3, 2)), "W_hh": rng.normal(size=(3, 3)), "W_hy": rng.normal(size=(1, 3))}
    X, h, error = rng.normal(size=(4, 1, 2)), rng.uniform(-1, 1, size=(5, 1, 3)), rng.normal(size=(4, 1, 1))

    def gradient(copies, n):
        ledger = walk_back(params, *(array.repeat(copies, axis=1) for array in (X, h, error / n)))
        return sum(ledger[t]["dW_hh"] for t in (1, 2, 3, 4))

    np.testing.assert_allclose(gradient(4, 4 * 4), gradient(1, 4))  # a mean over four times as many outputs
    np.testing.assert_allclose(gradient(4, 1), 4 * gradient(1, 1))


# --- Exercise 2 -----------------------------------------------------------------------------------


def loop(params, h, dY, steps):
    carry = 0
    for t in steps:
        carry = ((1 - h[t] ** 2) * (dY[t - 1] @ params["W_hy"] + carry)) @ params["W_hh"]
    return carry


def leftover(params, X, h, dY):
    return walk_back(params, X, h, dY)[0]["carry"]


@pytest.mark.parametrize(("answer", "kind"), [
    (leftover, "correct"),
    (lambda *args: walk_back(*args)[1]["dz_t"] @ args[0]["W_hh"], "correct"),
    (lambda *args: walk_back(*args)[1]["dh_t"], "stopped_early"),
    (lambda *args: walk_back(*args)[1]["dz_t"], "stopped_early"),
    (lambda p, X, h, dY: (1 - h[0] ** 2) * leftover(p, X, h, dY), "one_tanh_too_many"),
    (lambda *args: leftover(*args).sum(axis=0), "summed_over_batch"),
    (lambda p, X, h, dY: leftover(p, X, 0 * h, dY), "tanh_derivative_missing"),
    (lambda p, X, h, dY: leftover({**p, "W_hh": p["W_hh"].T}, X, h, dY), "W_hh_untransposed"),
    (lambda p, X, h, dY: walk_back(p, X, h, dY)[1]["dz_t"] @ p["W_hh"].T, "W_hh_untransposed"),
    (lambda p, X, h, dY: loop(p, h, dY, range(len(dY), 1, -1)), "stopped_early"),
    (lambda p, X, h, dY: leftover(p, X, h, np.concatenate([0 * dY[:1], dY[1:]])), "first_output_missing"),
    (lambda p, X, h, dY: leftover(p, X[:1], h[:2], dY[:1]), "carry_missing"),
    (lambda *args: leftover(*args) / len(args[1][0]), "scale"),
    (lambda p, X, h, dY: leftover(p, X, np.roll(h, 1, axis=0), dY), "slope_of_another_step"),
    (lambda p, X, h, dY: leftover(p, X, h, dY) + dY[0] @ p["W_hy"], "road_1_to_h_0"),
    (lambda p, X, h, dY: loop(p, h, dY, range(1, len(dY) + 1)), "forward_in_time"),
    (lambda p, X, h, dY: loop(p, h, dY, range(len(dY), -1, -1)), "one_step_too_many"),
    (lambda *args: leftover(*args).T, "wrong_shape"),
    (lambda *args: 2 * leftover(*args), "unknown"),
])
def test_initial_state_gradient(answer, kind):
    assert exercises.check_initial_state_gradient(answer).kind == kind


# --- Exercise 3 -----------------------------------------------------------------------------------


def products(dZ, X, h, dY):
    """The right answer."""
    return {
        "W_xh": np.einsum("tbi,tbj->ij", dZ, X), "W_hh": np.einsum("tbi,tbj->ij", dZ, h[:-1]),
        "b_h": dZ.sum(axis=(0, 1)), "W_hy": np.einsum("tbi,tbj->ij", dY, h[1:]), "b_y": dY.sum(axis=(0, 1)),
    }


def cut_anew(left, right):
    """A product with `reshape` in place of `.T`."""
    T, B, n = left.shape
    return left.reshape(n, T * B) @ right.reshape(T * B, -1)


@pytest.mark.parametrize(("name", "change", "kind"), [
    ("W_hh", lambda g, dZ, X, h, dY: np.einsum("tbi,tbj->ij", dZ, h[1:]), "wrong_state"),
    ("W_hh", lambda g, dZ, X, h, dY: np.einsum("tbi,tbj->ij", dZ[1:], h[1:-1]), "initial_state_missing"),
    ("W_hh", lambda g, *_: g.T, "transposed"),
    ("W_hy", lambda g, dZ, X, h, dY: np.einsum("tbi,tbj->ij", dY, h[:-1]), "wrong_state"),
    ("W_xh", lambda g, dZ, X, h, dY: cut_anew(dZ, X), "reshaped"),
    ("W_hh", lambda g, dZ, X, h, dY: cut_anew(dZ, h[:-1]), "reshaped"),
    ("W_hy", lambda g, dZ, X, h, dY: cut_anew(dY, h[1:]), "reshaped"),
    ("b_h", lambda g, dZ, *_: dZ.sum(axis=0), "one_sum_missing"),
    ("b_h", lambda g, dZ, *_: dZ.sum(axis=1), "one_sum_missing"),
    ("b_y", lambda g, dZ, X, h, dY: dY.sum(axis=0), "one_sum_missing"),
    ("b_y", lambda g, dZ, X, h, dY: dY.sum(axis=1), "one_sum_missing"),
    ("b_h", lambda g, dZ, *_: dZ.mean(axis=(0, 1)), "scale"),
    ("b_y", lambda g, dZ, X, h, dY: dY.mean(axis=(0, 1)), "scale"),
    ("b_y", lambda g, *_: g + 1, "unknown"),
    ("W_xh", lambda g, *_: g[:1], "wrong_shape"),
    ("W_xh", lambda g, *_: None, "not_started"),
])
def test_weight_gradients(name, change, kind):
    def answer(dZ, X, h, dY):
        grads = products(dZ, X, h, dY)
        return {**grads, name: change(grads[name], dZ, X, h, dY)}

    report = exercises.check_weight_gradients(answer)
    assert report.kind == kind and name in report.message


@pytest.mark.parametrize("name", ["W_xh", "W_hh", "W_hy"])
def test_each_gradient_alone_is_scaled_or_turned(name):
    for kind, change in [("transposed", lambda g, T, B: g.T), ("scale", lambda g, T, B: g / B),
                         ("scale", lambda g, T, B: g / T), ("scale", lambda g, T, B: g / (T * B))]:
        def answer(dZ, X, h, dY, change=change):
            grads = products(dZ, X, h, dY)
            return {**grads, name: change(grads[name], *dZ.shape[:2])}

        report = exercises.check_weight_gradients(answer)
        assert report.kind == kind and report.message.startswith(f"{name}: ")


def test_all_states_at_once_do_not_fit_and_the_check_asks_which_ones_do():
    report = exercises.check_weight_gradients(lambda dZ, X, h, dY: dZ.reshape(15, 4).T @ h.reshape(18, 4))
    assert report.kind == "exception" and "T + 1 entries" in report.message


def test_the_right_gradients_pass_and_missing_ones_are_named():
    assert exercises.check_weight_gradients(products).passed

    def by_step(dZ, X, h, dY):
        return {"W_xh": sum(z.T @ x for z, x in zip(dZ, X, strict=True)),
                "W_hh": sum(z.T @ s for z, s in zip(dZ, h, strict=False)),
                "b_h": sum(z.sum(axis=0) for z in dZ), "W_hy": sum(y.T @ s for y, s in zip(dY, h[1:], strict=True)),
                "b_y": sum(y.sum(axis=0) for y in dY)}

    assert exercises.check_weight_gradients(by_step).kind == "loop"
    report = exercises.check_weight_gradients(lambda *args: {"W_xh": 1})
    assert report.kind == "wrong_keys" and report.message.endswith("got W_xh.")


def test_checks_leave_the_answer_no_way_to_change_the_problem():
    def spoils(params, X, h, dY):
        result = leftover(params, X, h, dY)
        params["W_hh"][...] = 0
        dY[...] = 0
        return result

    assert exercises.check_initial_state_gradient(spoils).passed
    assert exercises.check_initial_state_gradient(leftover).passed


def test_single_precision_passes_with_a_remark():
    report = exercises.check_initial_state_gradient(lambda *args: leftover(*args).astype(np.float32))
    assert report.passed and "single precision" in report.message


def test_an_index_out_of_range_gets_a_hint_on_counting():
    report = exercises.check_initial_state_gradient(lambda params, X, h, dY: dY[len(X)])
    assert report.kind == "exception" and "Python counts from 0" in report.message


# --- Exercise 5 -----------------------------------------------------------------------------------


def stacked(lower, upper, X, dY):
    """The right answer."""
    upper.forward(lower.forward(X))
    above = upper.backward(dY)
    return lower.backward(upper.input_gradient()), above


def only_the_upper_walks(lower, upper, X, dY):
    _, above = stacked(lower, upper, X, dY)
    return lower.backward(dY), above


def divided_by_the_batch(lower, upper, X, dY):
    _, above = stacked(lower, upper, X, dY)
    return lower.backward(upper.input_gradient() / X.shape[1]), above


def asked_too_early(lower, upper, X, dY):
    upper.forward(lower.forward(X))
    return lower.backward(upper.input_gradient()), upper.backward(dY)


@pytest.mark.parametrize(("answer", "kind"), [
    (stacked, "correct"),
    (lambda *args: list(stacked(*args)), "correct"),
    (lambda *args: stacked(*args)[::-1], "swapped"),
    (only_the_upper_walks, "own_error"),
    (divided_by_the_batch, "scale"),
    (asked_too_early, "exception"),
    (lambda *args: stacked(*args)[0], "wrong_type"),
    (lambda *args: (stacked(*args)[0], {}), "wrong_keys"),
    (lambda *args: (stacked(*args)[0], None), "not_started"),
    (lambda *args: tuple({name: 2 * g for name, g in grads.items()} for grads in stacked(*args)), "unknown"),
    (lambda *args: None, "not_started"),
])
def test_stacked_gradients(answer, kind):
    assert exercises.check_stacked_gradients(answer).kind == kind
