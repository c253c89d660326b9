"""Checks of notebook 05's exercises: right answers in several styles, known mistakes, and rubbish."""

import numpy as np
import pytest

from rnn_lib import RNN, exercises
from rnn_lib.bugs import BuggyRNN

RIGHT = {"T = 1": ["carry_missing", "truncated"], "B = 1": ["scale"], "one call": ["not_zeroed"],
         "tiny weights": ["truncated", "double_tanh"]}


def error(a, n):
    if not (np.isfinite(a).all() and np.isfinite(n).all()):
        return np.inf
    size = max(np.abs(a).max(), np.abs(n).max())
    return np.abs(a - n).max() / size if size else 0.0


def sum_error(a, n):
    if not np.isfinite([a, n]).all():
        return float("inf")
    size = np.linalg.norm(a) + np.linalg.norm(n)
    return 0 if size == 0 else np.linalg.norm(a - n) / size


def by_element(a, n):
    """The largest relative error of any element."""
    if not np.isfinite([a, n]).all():
        return np.inf
    size = np.abs(a) + np.abs(n)
    return (np.abs(a - n) / np.where(size == 0, 1, size)).max()


norm = np.linalg.norm


def size(a, n):
    return max(np.abs(a).max(), np.abs(n).max()) or 1


def finite(formula):
    return lambda a, n: formula(a, n) if np.isfinite([a, n]).all() else np.inf


def central(formula):
    return lambda f, w, step: np.array([formula(f, w, i, step) for i in np.eye(len(w))])


own_step = central(lambda f, w, i, step: (f(w + i * 1e-5) - f(w - i * 1e-5)) / 2e-5)


def in_place(f, w, step, back=1):
    gradient = []
    for i in range(len(w)):
        saved = float(w[i])
        w[i] = saved + step
        above = f(w)
        w[i] = saved - step
        gradient.append((above - f(w)) / (2 * step))
        w[i] = saved if back else saved - step
    return gradient


def adds_and_subtracts(f, w, step):
    gradient = []
    for i in range(len(w)):
        w[i] += step
        above = f(w)
        w[i] -= 2 * step
        gradient.append((above - f(w)) / (2 * step))
        w[i] += step
    return gradient


def moves_w(f, w, step):
    gradient = in_place(f, w, step)
    w += 1
    return gradient


def by_element_complex(f, w, v):
    return np.array([f(w + 1e-30j * i).imag / 1e-30 for i in np.eye(len(w))])


def slope_that_moves_w(f, w, v):
    slope = f(w + 1e-30j * v).imag / 1e-30
    w += v
    return slope


@pytest.mark.parametrize(
    ("check", "answer"),
    [
        ("check_blind_spots", RIGHT),
        ("check_blind_spots", {name: tuple(bugs[::-1]) for name, bugs in RIGHT.items()}),
        ("check_central_gradient", central(lambda f, w, i, step: (f(w + i * step) - f(w - i * step)) / (2 * step))),
        ("check_central_gradient", in_place),
        ("check_complex_slope", lambda f, w, v: f(w + 1e-30j * v).imag / 1e-30),
        ("check_complex_slope", lambda f, w, v: float(np.imag(f(w.astype(complex) + v * 1e-20j)) * 1e20)),
        ("check_relative_error", sum_error),
        ("check_relative_error", finite(lambda a, n: norm(a - n) / (norm(a) + norm(n) + 1e-12))),
        ("check_diagnosis", "W_hh_missing"),
    ],
)
def test_right_answers_pass(check, answer):
    report = getattr(exercises, check)(answer)
    assert report.passed, report


@pytest.mark.parametrize(
    ("check", "answer", "kind"),
    [
        ("check_blind_spots", RIGHT | {"B = 1": ["scale", "truncated"]}, "bug_is_caught"),
        ("check_blind_spots", RIGHT | {"T = 1": ["carry_missing"]}, "bug_left_out"),
        ("check_blind_spots", {check: set(sum(RIGHT.values(), [])) - set(bugs) for check, bugs in RIGHT.items()},
         "caught_for_missed"),
        ("check_blind_spots", RIGHT | {"T = 1": ["no_such_bug"]}, "wrong_keys"),
        ("check_blind_spots", RIGHT | {"T = 1": "carry_missing"}, "wrong_type"),
        ("check_blind_spots", RIGHT | {"T = 1": 3}, "wrong_type"),
        ("check_blind_spots", {"T = 1": []}, "wrong_keys"),
        ("check_central_gradient", central(lambda f, w, i, s: (f(w + i * s) - f(w)) / s), "forward_difference"),
        ("check_central_gradient", central(lambda f, w, i, s: (f(w) - f(w - i * s)) / s), "forward_difference"),
        ("check_central_gradient", central(lambda f, w, i, step: (f(w + i * step) - f(w - i * step)) / step), "scale"),
        ("check_central_gradient", central(lambda f, w, i, s: (f(w + i * s) - f(w - i * s)) / (4 * s)), "scale"),
        ("check_central_gradient", central(lambda f, w, i, s: (f(w + i * s) - f(w - i * s)) / 2 * s), "precedence"),
        ("check_central_gradient", central(lambda f, w, i, s: f(w + i * s) - f(w - i * s) / (2 * s)), "precedence"),
        ("check_central_gradient", central(lambda f, w, i, s: (f(w - i * s) - f(w + i * s)) / (2 * s)), "sign"),
        ("check_central_gradient", lambda f, w, step: (f(w + step) - f(w - step)) / (2 * step), "all_at_once"),
        ("check_central_gradient", central(lambda f, w, i, s: (f(w + s) - f(w - s)) / (2 * s)), "all_at_once"),
        ("check_central_gradient", central(lambda f, w, i, s: (f(w + i * s) - f(w)) / (2 * s)), "one_step_back"),
        ("check_central_gradient", central(lambda f, w, i, s: (f(w + i * s / 2) - f(w - i * s / 2)) / s), "half_step"),
        ("check_central_gradient", lambda f, w, step: 0 * w, "alias"),
        ("check_central_gradient", lambda f, w, step: in_place(f, w, step, back=0), "not_restored"),
        ("check_central_gradient", moves_w, "not_restored"),
        ("check_central_gradient", adds_and_subtracts, "not_restored"),
        ("check_complex_slope", lambda f, w, v: f(w + 1e-30j * v).real, "real_part"),
        ("check_complex_slope", lambda f, w, v: f(w + 1e-30j * v).real / 1e-30, "real_part"),
        ("check_complex_slope", lambda f, w, v: f(w + 0.1j * v).imag / 0.1, "step_too_large"),
        ("check_complex_slope", lambda f, w, v: f(w + 1e-3j * v).imag / 1e-3, "step_too_large"),
        ("check_complex_slope", lambda f, w, v: f(w - 1e-30j * v).imag / 1e-30, "sign"),
        ("check_complex_slope", lambda f, w, v: f(w + 1j * v).imag, "step_of_one"),
        ("check_complex_slope", lambda f, w, v: f(w + 1e-30j * v).imag, "not_divided"),
        ("check_complex_slope", lambda f, w, v: f(w + 1e-30j * v), "wrong_type"),
        ("check_complex_slope", lambda f, w, v: (1 - np.tanh(w) ** 2) @ v, "not_complex"),
        ("check_complex_slope", lambda f, w, v: (f(w + 0j).real and 1 - np.tanh(w) ** 2) @ v, "one_function"),
        ("check_complex_slope", lambda f, w, v: (f(w + 1e-5 * v) - f(w - 1e-5 * v)) / 2e-5, "not_complex"),
        ("check_complex_slope", lambda f, w, v: f(w + 1e-30j).imag / 1e-30, "direction_ignored"),
        ("check_complex_slope", lambda f, w, v: f(w + 1e-30j * v / np.linalg.norm(v)).imag / 1e-30, "scale"),
        ("check_complex_slope", lambda f, w, v: by_element_complex(f, w, v) @ v, "one_by_one"),
        ("check_complex_slope", by_element_complex, "one_by_one"),
        ("check_complex_slope", slope_that_moves_w, "not_restored"),
        ("check_central_gradient", own_step, "step_ignored"),
        ("check_relative_error", finite(lambda a, n: error(a.ravel()[-1:], n.ravel()[-1:])), "element_missed"),
        ("check_relative_error", finite(lambda a, n: error(a.ravel()[:1], n.ravel()[:1])), "element_missed"),
        ("check_relative_error", finite(lambda a, n: error(np.abs(a), np.abs(n))), "element_missed"),
        ("check_relative_error", finite(lambda a, n: error(a.sum(), n.sum())), "errors_cancel"),
        ("check_relative_error", finite(lambda a, n: abs((a - n).sum()) / size(a, n)), "errors_cancel"),
        ("check_relative_error", finite(lambda a, n: np.abs(a - n).max() / (size(a, n) + 1e-6)), "absolute"),
        ("check_relative_error", finite(lambda a, n: np.abs(a - n).max() / (size(a, n) + 1e-8)), "absolute"),
        ("check_relative_error", finite(lambda a, n: error(a, n) / 100), "element_missed"),
        ("check_relative_error", finite(lambda a, n: 3 * error(a, n)), "unknown"),
        ("check_relative_error", error, "largest_numbers"),
        ("check_relative_error", by_element, "by_element"),
        ("check_relative_error", finite(lambda a, n: norm(a - n) / (max(norm(a), norm(n)) or 1)), "larger_length"),
        ("check_relative_error", lambda a, n: 2 * sum_error(a, n), "scale"),
        ("check_relative_error", lambda a, n: np.abs(a - n).max(), "nan_passes"),
        ("check_relative_error", lambda a, n: np.abs(a - n).max() / np.abs(n).max(), "zero_by_zero"),
        ("check_relative_error", lambda a, n: error(a, n) if np.isfinite(a).all() else np.nan, "nan_passes"),
        ("check_relative_error", lambda a, n: error(a, n) if n.any() else 0.0, "not_symmetric"),
        ("check_relative_error", finite(lambda a, n: sum_error(a, n) if a.any() and n.any() else 0.0), "zeros_skipped"),
        ("check_relative_error", finite(lambda a, n: sum_error(a[a * n != 0], n[a * n != 0])), "zeros_skipped"),
        ("check_relative_error", lambda a, n: np.abs(a - n).max() if np.isfinite([a, n]).all() else np.inf, "absolute"),
        ("check_relative_error", lambda a, n: np.inf if np.isnan(a + n).any() else error(a, n) if np.isfinite(a).all()
         else 0.5, "nan_passes"),
        ("check_diagnosis", "carry_missing", "other_carry_bug"),
        ("check_diagnosis", "W_hh_untransposed", "other_carry_bug"),
        ("check_diagnosis", "double_tanh", "symptoms_do_not_fit"),
        ("check_diagnosis", "a cold", "wrong_type"),
    ],
)
def test_mistakes_are_recognised(check, answer, kind):
    report = getattr(exercises, check)(answer)
    assert report.kind == kind, report


CHECKS = [
    "check_blind_spots", "check_central_gradient", "check_complex_slope", "check_relative_error", "check_diagnosis",
]
RUBBISH = [3.0, "text", [], {}, object(), lambda: 1, lambda *arguments: "text", lambda *arguments: np.zeros((2, 2))]


@pytest.mark.parametrize("check", CHECKS)
def test_an_empty_answer_is_not_started(check):
    if check not in ("check_blind_spots", "check_diagnosis"):
        assert getattr(exercises, check)(None).kind == "not_started"
    stub = ... if check in ("check_blind_spots", "check_diagnosis") else lambda *arguments: None
    assert getattr(exercises, check)(stub).kind == "not_started"


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("rubbish", RUBBISH)
def test_rubbish_gets_a_report(check, rubbish):
    report = getattr(exercises, check)(rubbish)
    assert not report.passed and str(report)


def test_rounding_left_in_w_is_told_from_a_step_left_in_w():
    assert "last digits" in exercises.check_central_gradient(adds_and_subtracts).message
    assert "digits" not in exercises.check_central_gradient(moves_w).message


def test_an_exception_names_the_learners_own_line():
    def complex_slope(f, w, v):
        return unknown_name  # noqa: F821

    report = exercises.check_complex_slope(complex_slope)
    assert report.kind == "exception" and "`return unknown_name" in report.message


def test_mystery_patient_is_wrong_but_only_behind_the_carry():
    model = exercises.MysteryRNN(2, 4, 2)
    X, dY = np.ones((1, 3, 2)), np.ones((1, 3, 2))
    model.forward(X)
    grads = model.backward(dY)
    right = super(exercises.MysteryRNN, model).backward(dY)
    assert all(np.allclose(grads[name], right[name]) for name in right)


@pytest.mark.parametrize(("bug", "healthy"), [
    ("carry_missing", {"zero"}), ("W_hh_untransposed", {"zero", "identity", "symmetric"}), (None, {"identity"}),
])
def test_what_tells_the_mystery_patient_from_those_that_are_taken_for_it(bug, healthy):
    """What the hints of exercise 5 say; None is the mystery patient."""
    rng = np.random.default_rng(0)
    X, dY, W = rng.normal(size=(3, 2, 2)), rng.normal(size=(3, 2, 2)), rng.normal(size=(4, 4))
    found = set()
    for name, W_hh in {"zero": 0 * W, "identity": np.eye(4), "symmetric": W + W.T, "random": W}.items():
        patient = BuggyRNN(bug, 2, 4, 2) if bug else exercises.MysteryRNN(2, 4, 2)
        patient.params["W_hh"][...] = W_hh
        right = RNN(2, 4, 2).set_params(patient.params)
        patient.forward(X), right.forward(X)
        grads, true = patient.backward(dY), right.backward(dY)
        if all(np.allclose(grads[key], true[key]) for key in true):
            found.add(name)
    assert found == healthy


PAIRS = [
    "two zeros", "a NaN", "a NaN on the right", "an infinity", "an infinity on the right", "the same infinity",
    "equal gradients", *["an ordinary pair"] * 4, *["a gradient against zeros"] * 4, *["a wrong sign"] * 3,
    "two errors that cancel", *["a gradient against zeros"] * 2, *["one element that should be 0"] * 2,
    "an ordinary pair",
]


@pytest.mark.parametrize(("place", "name"), list(enumerate(PAIRS)))
def test_the_pair_without_an_error_is_named(place, name):
    calls = []

    def no_number(a, n):
        calls.append(a)
        return [1.0] if len(calls) == place + 1 else sum_error(a, n)
    report = exercises.check_relative_error(no_number)
    assert (report.kind, report.message) == ("wrong_type", f"{name}: expected one number, got list [1.0].")


@pytest.mark.parametrize(("place", "i"), [("first", 0), ("middle", 3), ("last", 5)])
def test_the_element_that_is_not_compared_is_named(place, i):
    def lacks_one(a, n):
        kept = np.arange(a.size) != i if a.size == 6 else slice(None)
        return sum_error(a.ravel()[kept], n.ravel()[kept])
    report = exercises.check_relative_error(lacks_one)
    assert report.kind == "element_missed"
    assert report.message.startswith(f"a wrong sign in the {place} element: your error is 0. Is every element")


@pytest.mark.parametrize(("check", "answer", "message"), [
    ("check_complex_slope", lambda f, w, v: (1 - np.tanh(w) ** 2) @ v,
     "f was never called at complex numbers. The step goes in that direction."),
    ("check_relative_error", finite(lambda a, n: 3 * error(a, n)),
     "an ordinary pair is not right, and not in a way that this check knows."),
    ("check_relative_error", finite(lambda a, n: error(a, n) if (a != n).any() else 0.1),
     "two zeros agree perfectly, but your error is 0.1."),
    ("check_relative_error", finite(lambda a, n: error(a, n) if (a != n).any() else 0.1 * np.sign(a @ a.T).max()),
     "equal gradients agree perfectly, but your error is 0.1."),
])
def test_what_is_said_in_full(check, answer, message):
    assert getattr(exercises, check)(answer).message == message
