"""The checks of notebook 08's exercises: right answers pass, known mistakes are named, nothing raises."""

import numpy as np
import pytest
from oracles import Awkward, refuse_all

from rnn_lib import exercises
from rnn_lib.exercises.vanishing import CLAIMS
from rnn_lib.optim import clip_grad_norm, grad_norm

CHECKS = (exercises.check_claims, exercises.check_jacobian, exercises.check_clip, exercises.check_truncated,
          exercises.check_radius)


RUBBISH = [
    None, ..., -3, "text", [], {}, {"W_hh": 1}, np.ones((2, 2)), np.nan, True, Awkward(), lambda *args: None,
    lambda *args: 1 / 0, lambda *args: "text", lambda *args: {}, lambda *args: np.full((4, 4), np.nan),
    lambda *args: Awkward(), lambda: 1, dict.fromkeys(CLAIMS), dict.fromkeys(CLAIMS, "text"),
    dict.fromkeys(CLAIMS, Awkward()), dict.fromkeys(CLAIMS, 44), dict.fromkeys(CLAIMS, True),
    lambda *args: dict.fromkeys(["W_hh", "b_h", "W_hy"], Awkward()),
]


@pytest.mark.parametrize("check", CHECKS)
def test_no_answer_raises_or_passes_by_accident(check):
    refuse_all(check, RUBBISH)


def test_stubs_are_not_started():
    assert exercises.check_claims(dict.fromkeys(CLAIMS)).kind == "not_started"
    assert exercises.check_radius(None).kind == "not_started"
    for check in CHECKS[1:4]:
        assert check(lambda *args: None).kind == "not_started"


# --- right answers --------------------------------------------------------------------------------------------------


def jacobian(W_hh, h, k, slope=lambda h_t: 1 - h_t**2, shift=0, side="rows", order="last first"):
    product = np.eye(len(W_hh))
    for t in range(len(h) - 1, len(h) - 1 - k, -1):
        s = slope(h[t - shift])
        factor = s[:, None] * W_hh if side == "rows" else W_hh * s
        product = product @ factor if order == "last first" else factor @ product
    return product


def clip(grads, max_norm):
    clip_grad_norm(grads, max_norm)
    return grads


def in_place(grads, max_norm):
    clip_grad_norm(grads, max_norm)


def as_in_torch(grads, max_norm):
    return scaled(grads, min(1, max_norm / (grad_norm(grads) + 1e-6)))


def truncated(model, X, dY, window, carried=True, starts=None, add_up=True):
    total, state = {name: 0 for name in model.params}, None
    starts = range(0, len(X), window) if starts is None else starts
    for start in starts:
        model.forward(X[start : start + window], state)
        state = model.state if carried else None
        for name, g in model.backward(dY[start : start + window]).items():
            total[name] = g + add_up * total[name]
    return total


def scaled(grads, factor):
    return {name: g * factor for name, g in grads.items()}


def test_right_answers_pass():
    assert exercises.check_claims({claim: right for claim, (right, _) in CLAIMS.items()}).passed
    assert exercises.check_jacobian(jacobian).passed
    assert exercises.check_clip(clip).passed and exercises.check_clip(as_in_torch).passed
    assert exercises.check_truncated(truncated).passed
    assert exercises.check_radius(1.2).passed and exercises.check_radius(np.float64(1.2)).passed


def test_the_right_jacobian_is_the_slope_of_the_states():
    rng = np.random.default_rng(0)
    W_hh, drive = rng.normal(size=(3, 3)), rng.normal(size=(5, 3))

    def states(h_0):
        h = [h_0]
        for x in drive:
            h.append(np.tanh(W_hh @ h[-1] + x))
        return np.array(h)

    slopes = np.array([states(1e-30j * unit)[-1].imag / 1e-30 for unit in np.eye(3)]).T
    np.testing.assert_allclose(jacobian(W_hh, states(np.zeros(3)), 5), slopes, rtol=1e-12)


# --- known mistakes -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("claim", CLAIMS)
def test_each_claim_is_looked_at(claim):
    right = {name: answer for name, (answer, _) in CLAIMS.items()}
    report = exercises.check_claims(right | {claim: not right[claim]})
    assert report.kind == "wrong_claim" and report.message.startswith(f"“{claim}”: ")
    assert exercises.check_claims(right | {claim: 1}).kind == "wrong_type"


@pytest.mark.parametrize("kind, answer", [
    ("tanh_derivative_missing", lambda W, h, k: jacobian(W, h, k, slope=np.ones_like)),
    ("slope_on_the_wrong_side", lambda W, h, k: jacobian(W, h, k, side="columns")),
    ("slope_of_another_step", lambda W, h, k: jacobian(W, h, k, shift=1)),
    ("order", lambda W, h, k: jacobian(W, h, k, order="first last")),
    ("from_the_start", lambda W, h, k: jacobian(W, h[: k + 1], k)),
    ("transposed", lambda W, h, k: jacobian(W, h, k).T),
    ("W_hh_transposed", lambda W, h, k: jacobian(W.T, h, k)),
    ("one_jacobian", lambda W, h, k: np.linalg.matrix_power(jacobian(W, h, 1), k)),
    ("double_tanh", lambda W, h, k: jacobian(W, h, k, slope=lambda h_t: 1 - np.tanh(h_t) ** 2)),
    ("square_missing", lambda W, h, k: jacobian(W, h, k, slope=lambda h_t: 1 - h_t)),
    ("elementwise", lambda W, h, k: jacobian(np.diag(np.diag(W)), h, k)),
    ("counted_from_zero", lambda W, h, k: jacobian(W, np.roll(h, -1, axis=0), k)),
    ("identity_missing", lambda W, h, k: jacobian(W, h, max(k, 1))),
    ("one_too_few", lambda W, h, k: jacobian(W, h, k - 1)),
    ("one_too_many", lambda W, h, k: jacobian(W, h, k + 1)),
    ("unknown", lambda W, h, k: 2 * jacobian(W, h, k)),
])
def test_jacobian_wrong(kind, answer):
    assert exercises.check_jacobian(answer).kind == kind


@pytest.mark.parametrize("k", [0, 1, 6])
def test_jacobian_wrong_at_a_limit(k):
    report = exercises.check_jacobian(lambda W, h, n: jacobian(W, h, n) * (2 if n == k else 1))
    assert report.kind == "unknown" and f"k = {k}" in report.message


@pytest.mark.parametrize("kind, answer", [
    ("norm_of_each", lambda grads, m: {n: g * min(1, m / np.linalg.norm(g)) for n, g in grads.items()}),
    ("by_value", lambda grads, m: {n: np.clip(g, -m, m) for n, g in grads.items()}),
    ("always", lambda grads, m: scaled(grads, m / grad_norm(grads))),
    ("squared_norm", lambda grads, m: scaled(grads, min(1, m / grad_norm(grads) ** 2))),
    ("sum_of_norms", lambda grads, m: scaled(grads, m / sum(map(np.linalg.norm, grads.values())))),
    ("largest_number", lambda grads, m: scaled(grads, m / max(np.abs(g).max() for g in grads.values()))),
    ("unit_length", lambda grads, m: scaled(grads, 1 / grad_norm(grads))),
    ("not_clipped", lambda grads, m: grads),
    ("not_returned", lambda grads, m: scaled(grads, m / grad_norm(grads)) if grad_norm(grads) > m else None),
    ("not_returned", in_place),
    ("unknown", lambda grads, m: scaled(grads, 2)),
    ("wrong_keys", lambda grads, m: {"W_hh": grads["W_hh"]}),
])
def test_clip_wrong(kind, answer):
    assert exercises.check_clip(answer).kind == kind


@pytest.mark.parametrize("name", ["W_hh", "b_h", "W_hy"])
def test_each_array_is_looked_at(name):
    report = exercises.check_clip(lambda grads, m: clip(grads, m) | {name: 2 * grads[name]})
    assert report.kind == "unknown" and name in report.message


@pytest.mark.parametrize("kind, answer", [
    ("not_truncated", lambda model, X, dY, window: model.backward(dY) if model.forward(X) is not None else 0),
    ("state_not_carried", lambda *args: truncated(*args, carried=False)),
    ("last_window_missing", lambda model, X, dY, window: truncated(model, X, dY, window, starts=(0, 4))),
    ("first_window_only", lambda model, X, dY, window: truncated(model, X, dY, window, starts=(0,))),
    ("last_window_only", lambda *args: truncated(*args, add_up=False)),
    ("mean_over_windows", lambda *args: scaled(truncated(*args), 1 / 3)),
    ("unknown", lambda *args: scaled(truncated(*args), 2)),
])
def test_truncated_wrong(kind, answer):
    assert exercises.check_truncated(answer).kind == kind


@pytest.mark.parametrize("name", ["W_xh", "W_hh", "b_h", "W_hy", "b_y"])
def test_each_gradient_of_truncated_bptt_is_looked_at(name):
    report = exercises.check_truncated(lambda *args: (total := truncated(*args)) | {name: 2 * total[name]})
    assert report.kind == "unknown" and name in report.message


@pytest.mark.parametrize("radius, kind", [(0.9, "vanishes"), (1.0, "vanishes"), (1.5, "explodes"), (0, "wrong_type")])
def test_radius_wrong(radius, kind):
    assert exercises.check_radius(radius).kind == kind
