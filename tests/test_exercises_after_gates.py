"""The checks of notebook 12's exercises: right answers pass, known mistakes are named, nothing raises."""

import re

import numpy as np
import pytest
from oracles import Awkward, refuse_all

from rnn_lib import RNN, MinGRU, exercises
from rnn_lib.bugs.mingru import MINGRU_BUGS, MINGRU_SUBJECT, right
from rnn_lib.bugs.mingru.patients import assemble

CHECKS = (exercises.check_race, exercises.check_walk_by_scan, exercises.check_mingru_backward,
          exercises.check_modulo_three)
RACE = {"parity at 1000": ["RNN", "GRU"], "marked recall at 100": ["GRU", "minGRU", "attention"],
        "unmarked recall at 30": ["RNN", "GRU"]}


RUBBISH = [
    None, ..., -3, "text", [], {}, np.ones((2, 2)), np.nan, True, Awkward(), lambda *args: None, lambda *args: 1 / 0,
    lambda *args: "text", lambda *args: {}, lambda *args: np.full((7, 3, 4), np.nan), lambda *args: Awkward(),
    lambda: 1, dict.fromkeys(RACE), dict.fromkeys(RACE, "text"), dict.fromkeys(RACE, Awkward()),
    dict.fromkeys(RACE, 1), dict.fromkeys(("W_xh", "W_hh", "b_h", "W_hy", "b_y"), Awkward()),
    dict.fromkeys(("W_xh", "W_hh", "b_h", "W_hy", "b_y"), 0.0),
]


@pytest.mark.parametrize("check", CHECKS)
def test_no_answer_raises_or_passes_by_accident(check):
    refuse_all(check, RUBBISH)


def test_stubs_are_not_started():
    assert exercises.check_race(dict.fromkeys(RACE)).kind == "not_started"
    assert exercises.check_modulo_three(dict.fromkeys(counter())).kind == "not_started"
    for check in CHECKS[1:3]:
        assert check(lambda *args: None).kind == "not_started"


# --- right answers --------------------------------------------------------------------------------------------------


def scan(a, u):
    a, u, reach = a.copy(), u.copy(), 1
    while reach < len(u):
        u[reach:] += a[reach:] * u[:-reach]
        a[reach:] = a[reach:] * a[:-reach]
        reach = 2 * reach
    return u


def shifted(a):
    return np.concatenate([a[1:], 0 * a[:1]])


def walk_by_scan(road_1, a):
    return scan(shifted(a)[::-1], road_1[::-1])[::-1]


def by_loop(road_1, a):
    dH = road_1.copy()
    for t in range(len(dH) - 2, -1, -1):
        dH[t] += a[t + 1] * dH[t + 1]
    return dH


def counter(g=20.0, read_out=(0.5, 0.5, -1.0)):
    read_out = np.array([read_out])
    return {"W_xh": np.full((3, 1), g), "W_hh": g * np.repeat(read_out, 3, axis=0),
            "b_h": -g * np.array([0.5, 1.5, 2.5]), "W_hy": read_out, "b_y": np.zeros(1)}


def test_right_answers_pass():
    assert exercises.check_race(RACE).passed
    assert exercises.check_walk_by_scan(walk_by_scan).passed
    assert exercises.check_walk_by_scan(lambda road_1, a: walk_by_scan(road_1.astype("f4"), a.astype("f4"))).passed
    assert exercises.check_modulo_three(counter()).passed and exercises.check_modulo_three(counter(50.0)).passed
    for backward in (right, with_scan):
        assert exercises.check_mingru_backward(backward).passed


def with_scan(params, X, hidden_states, dY):
    z = 1 / (1 + np.exp(-(X @ params["W_z"].T + params["b_z"])))
    c = X @ params["W_c"].T + params["b_c"]
    dH = walk_by_scan(dY @ params["W_hy"], 1 - z)
    ds, dc = z * (1 - z) * (c - hidden_states[:-1]) * dH, z * dH
    return {"W_z": np.einsum("tbh,tbi->hi", ds, X), "b_z": ds.sum(axis=(0, 1)),
            "W_c": np.einsum("tbh,tbi->hi", dc, X), "b_c": dc.sum(axis=(0, 1)),
            "W_hy": np.einsum("tbo,tbh->oh", dY, hidden_states[1:]), "b_y": dY.sum(axis=(0, 1))}


# --- wrong ones -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer, kind", [
    (lambda r, a: scan(a, r), "wrong_direction"),
    (lambda r, a: scan(shifted(a), r), "wrong_direction"),
    (lambda r, a: scan(np.concatenate([0 * a[:1], a[:-1]]), r), "wrong_direction"),
    (lambda r, a: scan(shifted(a)[::-1], r[::-1]), "not_turned_back"),
    (lambda r, a: scan(a[::-1], r[::-1])[::-1], "multiplier_off_by_one"),
    (lambda r, a: r, "carry_missing"),
    (lambda r, a: r + shifted(a) * np.concatenate([r[1:], r[:1]]), "one_round"),
    (lambda r, a: scan(np.concatenate([0 * a[:1], a[:-1]])[::-1], r[::-1])[::-1], "shifted_wrong_way"),
    (lambda r, a: scan(np.roll(a, 1, axis=0)[::-1], r[::-1])[::-1], "shifted_wrong_way"),
    (lambda r, a: scan(shifted(a)[::-1], r)[::-1], "one_not_turned"),
    (lambda r, a: scan(shifted(a), r[::-1])[::-1], "one_not_turned"),
    (lambda r, a: scan(r[::-1], shifted(a)[::-1])[::-1], "swapped"),
    (lambda r, a: (scan(shifted(a)[::-1], r[::-1])[::-1], 3), "pair"),
    (by_loop, "loop"),
    (lambda r, a: r[0], "wrong_shape"),
])
def test_walk_by_scan_wrong(answer, kind):
    assert exercises.check_walk_by_scan(answer).kind == kind


@pytest.mark.parametrize("params, kind", [
    (counter(read_out=(0.5, -0.5, 0.0)), "modulo_two"), (counter(3.0), "gain_too_small"),
    ({**counter(), "b_h": counter()["b_h"] / 20}, "gain_missing"),
    ({**counter(), "W_xh": np.ones((3, 1))}, "gain_missing"),
    (counter(read_out=(1, 1, -2)), "not_halved"),
    (counter(read_out=(0.5, 0.5, -0.5)), "third_unit"), (counter(read_out=(0.5, 0.5, 0.5)), "third_unit"),
    ({**counter(), "W_hy": np.array([[0.5, 0.5, -0.5]])}, "read_out"),
    ({**counter(), "W_hy": np.ones((1, 3))}, "read_out"), ({**counter(), "W_hy": np.full((1, 3), 1e308)}, "read_out"),
    ({**counter(), "W_hh": counter()["W_hh"] / 20}, "gain_missing"),
    ({**counter(), "b_h": -20.0 * np.array([1, 2, 3])}, "thresholds"),
    ({**counter(), "W_hh": counter()["W_hh"].T}, "transposed"), ({**counter(), "b_h": -counter()["b_h"]}, "sign"),
    (counter(1.0), "gain_too_small"), ({**counter(), "W_hh": 20 * np.eye(3)}, "unknown"),
    ({**counter(), "b_h": np.zeros(4)}, "wrong_shape"),
    ({**counter(), "W_xh": None}, "not_started"), ({"W_xh": np.ones((3, 1))}, "wrong_keys"),
])
def test_modulo_three_wrong(params, kind):
    assert exercises.check_modulo_three(params).kind == kind


def test_a_multiplier_too_few_gets_a_hint():
    report = exercises.check_walk_by_scan(lambda r, a: scan(a[1:][::-1], r[::-1])[::-1])
    assert not report.passed and "both arrays keep all T steps" in str(report)


def test_a_wrong_counter_is_shown_the_bits_that_it_fails():
    """The bits, the units and the output are those of one sequence, and one that is wrong."""
    params = {**counter(), "b_h": -20.0 * np.array([0.5, 2.5, 2.5])}
    text = str(exercises.check_modulo_three(params))
    bits = [int(bit) for bit in re.search(r"after the bits \[([^]]*)\]", text)[1].split(",")]
    model = RNN(1, 3, 1).set_params(params)
    Y = model.forward(np.reshape(bits, (-1, 1, 1)))
    assert f"{model.hidden_states[-1, 0].round(2).tolist()} and the output is {Y[-1, 0, 0]:.2f}" in text
    assert f"the count modulo 3 is {sum(bits) % 3}." in text and abs(Y[-1, 0, 0] - sum(bits) % 3) >= 0.4


def test_a_wrong_guess_is_told():
    for names in (["GRU"], {"GRU"}, ("GRU", "GRU")):
        report = exercises.check_race({**RACE, "parity at 1000": names})
        assert report.kind == "surprise" and "11 of 12" in str(report) and "RNN, parity at 1000" in str(report)


@pytest.mark.parametrize("names, kind", [
    ("RNN", "wrong_type"), ([1], "wrong_type"), (["LSTM"], "wrong_keys"), (None, "not_started"), (True, "wrong_type"),
])
def test_a_guess_that_is_no_list_of_names(names, kind):
    report = exercises.check_race({**RACE, "parity at 1000": names})
    assert report.kind == kind and "parity at 1000" in str(report)


# --- the diagnosis of MinGRU ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("bug", MINGRU_BUGS.values(), ids=MINGRU_BUGS)
def test_each_patient_is_named(bug):
    report = exercises.check_mingru_backward(bug.make())
    assert report.kind == bug.kind and MINGRU_SUBJECT.kinds[bug.kind] in str(report)


def test_no_patient_of_another_kind_leaves_the_same_gradients():
    marks = [(mark.kinds[0], [np.concatenate([g.ravel() for g in grads.values()]) for grads in mark.gradients])
             for mark in MINGRU_SUBJECT.fingerprints if mark.kinds[0] != "not_zeroed"]
    for i, (kind, one) in enumerate(marks):
        for other_kind, other in marks[:i]:
            same = all(np.allclose(a, b, rtol=1e-9, atol=0) for a, b in zip(one, other, strict=True))
            assert not same or kind == other_kind


def test_two_mistakes_at_once_are_named_as_two():
    def backward(*args):
        return assemble(*args, {"carried": lambda dh, a, t: dh * a[t - 1], "slope": 1})

    report = exercises.check_mingru_backward(backward)
    assert MINGRU_SUBJECT.kinds["multiplier_off_by_one"] in str(report)
    assert MINGRU_SUBJECT.kinds["gate_derivative_missing"] in str(report)


@pytest.mark.parametrize("change, kind", [
    (lambda grads, *_: {**grads, "W_z": grads["W_z"].T}, "gradient_transposed"),
    (lambda grads, *_: {**grads, "b_z": 0 * grads["b_z"]}, "bias_missing"),
    (lambda grads, *_: {name: 0 * g for name, g in grads.items()}, "not_started"),
    (lambda grads, params: {name: g + 0.01 * params[name] for name, g in grads.items()}, "weight_decay"),
    (lambda grads, *_: {name: np.clip(g, -0.01, 0.01) for name, g in grads.items()}, "clipped"),
])
def test_the_engines_own_tests_work_for_it_too(change, kind):
    assert exercises.check_mingru_backward(lambda params, *a: change(right(params, *a), params)).kind == kind


@pytest.mark.parametrize("problem", MINGRU_SUBJECT.problems)
def test_the_right_pass_is_the_librarys(problem):
    params, X, h, dY = problem.args.values()
    O, H = params["W_hy"].shape
    model = MinGRU(X.shape[2], H, O).set_params(params)
    model.forward(X, h[0])
    for name, g in model.backward(dY).items():
        np.testing.assert_allclose(problem.right[name], g, rtol=1e-11, atol=1e-12 * np.abs(g).max())
