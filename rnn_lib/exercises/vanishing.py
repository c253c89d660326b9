"""Checks of notebook 08's exercises on gradients that vanish or explode."""

import numpy as np

from rnn_lib import RNN, data
from rnn_lib.exercises.answers import COUNTING
from rnn_lib.exercises.verdict import (
    attempt,
    is_unfilled,
    judge,
    require,
    require_dict,
    require_filled,
    returns_report,
    safe_describe,
)
from rnn_lib.ground.validation import check_number
from rnn_lib.initialization import spectral_radius
from rnn_lib.losses import cross_entropy_loss, last_step
from rnn_lib.optim import grad_norm

__all__ = ["check_claims", "check_clip", "check_jacobian", "check_radius", "check_truncated"]


CLAIMS = {  # is it so, and why
    "radius of W below 1: in the end the powers of W vanish":
        (True, "each step multiplies by the eigenvalues once more, and in the end that wins over any shear."),
    "radius of W below 1: the powers of W shrink from the first step on":
        (False, "section 5 has a matrix of radius 0.8 whose fourth power stretches by 8."),
    "radius of W_hh below 1: the network's gradient vanishes":
        (False, "its Jacobians differ from step to step: with one unit saturated a radius of 0 became 1.2."),
    "sigma_1 of W_hh below 1: the network's gradient vanishes":
        (True, "slopes are at most 1, so k steps stretch by at most the k-th power of sigma_1."),
    "sigma_1 of W_hh above 1: the network's gradient explodes":
        (False, "it may, and it need not: tanh may take away more than the matrix adds."),
}


@returns_report
def check_claims(claims):
    """Check exercise 2: {claim on the spectral radius or the largest singular value: True or False}."""
    require_dict("claims", claims, CLAIMS, of="True or False")
    empty = [claim for claim in CLAIMS if is_unfilled(claims[claim])]
    require(not empty, "not_started", f"{'; '.join(empty)}: write True or False.")
    for claim, (right, why) in CLAIMS.items():
        is_bool = isinstance(claims[claim], bool | np.bool_)
        require(is_bool, "wrong_type", f"{claim}: expected True or False, got {safe_describe(claims[claim])}.")
        require(bool(claims[claim]) == right, "wrong_claim", f"“{claim}”: {why}")
    return "the radius speaks of one matrix and of the end; sigma_1 of every step, and only from above."


@returns_report
def check_jacobian(jacobian):
    """Check exercise 1: dh_T/dh_{T-k}, (H, H), from (W_hh, hidden_states, k); hidden_states is (T+1, H)."""
    rng = np.random.default_rng(4)
    H, T = 4, 6
    W_hh, h = rng.normal(size=(H, H)), rng.uniform(-0.9, 0.9, size=(T + 1, H))

    def product(k, one=lambda h_t: (1 - h_t**2)[:, None] * W_hh, shift=0, turned=False):
        answer = np.eye(H)
        for t in range(T, T - k, -1):
            answer = one(h[t - shift]) @ answer if turned else answer @ one(h[t - shift])
        return answer

    got = attempt(jacobian, W_hh, h, 3, hints=COUNTING)
    remark = judge("k = 3", got, product(3), [
        ("tanh_derivative_missing", product(3, lambda h_t: W_hh), "the slopes of tanh, 1 - h², are missing."),
        ("slope_on_the_wrong_side", product(3, lambda h_t: W_hh * (1 - h_t**2)),
         "the slopes stand on the wrong side. W_hh is applied first, then tanh: diag(1 - h²) scales its rows."),
        ("slope_of_another_step", product(3, shift=1),
         "the slope belongs to another step: z_t becomes h_t, so the slope of step t is made of hidden_states[t]."),
        ("order", product(3, turned=True),
         "right factors, in the wrong order. h_{T-k} goes through the earliest step first: that one stands rightmost."),
        ("from_the_start", np.linalg.multi_dot([(1 - h[t] ** 2)[:, None] * W_hh for t in (3, 2, 1)]),
         "these are the first k steps, dh_k/dh_0. Begin at the last entry, h_T, and go back."),
        ("transposed", product(3).T, "this is the transpose: rows belong to h_T, columns to h_{T-k}."),
        ("W_hh_transposed", product(3, lambda h_t: (1 - h_t**2)[:, None] * W_hh.T),
         "W_hh is transposed. A change of h_{t-1} enters z_t through W_hh as it stands: row i holds unit i's weights."),
        ("one_jacobian", np.linalg.matrix_power((1 - h[T] ** 2)[:, None] * W_hh, 3),
         "that is one Jacobian to the power k. Each step has slopes of its own: only W_hh stays the same."),
        ("double_tanh", product(3, lambda h_t: (1 - np.tanh(h_t) ** 2)[:, None] * W_hh),
         "tanh is applied twice: hidden_states holds tanh(z_t) already, and its slope is 1 - h²."),
        ("square_missing", product(3, lambda h_t: (1 - h_t)[:, None] * W_hh),
         "the slope of tanh is 1 - h², not 1 - h."),
        ("elementwise", product(3, lambda h_t: np.diag(1 - h_t**2) * W_hh),
         "diag(1 - h²) * W_hh multiplies entry by entry, which leaves the diagonal alone. The matrix product is @."),
        ("counted_from_zero", np.linalg.multi_dot([(1 - h[t] ** 2)[:, None] * W_hh for t in (0, -1, -2)]),
         "hidden_states[-0] is the first entry, h_0. The last step is hidden_states[-1]."),
        ("one_too_few", product(2), "one factor too few: k steps back are k factors."),
        ("one_too_many", product(4), "one factor too many: k steps back are k factors."),
    ])
    for k in (1, T, 0):  # the same function at its limits
        mistakes = [("identity_missing", product(1), "k = 0 is no step, so no factor: the identity.")] if k == 0 else []
        judge(f"k = {k}", attempt(jacobian, W_hh, h, k, hints=COUNTING), product(k), mistakes)
    return "k factors, the last step leftmost; for k = 0 nothing changes, which is the identity." + remark


@returns_report
def check_clip(clip):
    """Check exercise 3: (grads, max_norm) -> the gradients, clipped by their common norm."""
    rng = np.random.default_rng(5)
    large = {"W_hh": 3 * rng.normal(size=(3, 3)), "b_h": 0.1 * rng.normal(size=3), "W_hy": rng.normal(size=(2, 3))}
    small = {name: g / 1000 for name, g in large.items()}
    for grads, max_norm in ((large, 0.6), (small, 0.6), (large, 3.0)):
        norm = grad_norm(grads)
        factor = min(1, max_norm / norm)
        got = attempt(clip, grads, max_norm)
        require_dict("your answer", got, grads, of="gradients")
        norms = sum(map(np.linalg.norm, grads.values()))
        largest = max(np.abs(g).max() for g in grads.values())
        for name, g in grads.items():
            own = np.linalg.norm(g)
            where = f"norm {norm:.3g}, at most {max_norm}: {name}"
            known = [
                ("norm_of_each", g * min(1, max_norm / own),
                 "each array is clipped by a norm of its own. One factor for all keeps the direction."),
                ("by_value", np.clip(g, -max_norm, max_norm),
                 "every number is clipped by itself: that turns the direction. Scale all of them by one factor."),
                ("always", g * (max_norm / norm), "a gradient that is short enough must stay as it is."),
                ("squared_norm", g * min(1, max_norm / norm**2), "the norm is the square root of the sum of squares."),
                ("sum_of_norms", g * (max_norm / norms), "the norms are added up. Squares add up, norms do not."),
                ("largest_number", g * (max_norm / largest), "the norm is not the largest number: add up all squares."),
                ("unit_length", g / norm, "this has length 1. The clipped gradient has length max_norm."),
                ("not_clipped", g, "nothing is clipped here."),
            ]
            known = [row for row in known if row[0] != "always" or factor == 1]
            judge(where, got[name], g * factor, known, rtol=1e-5)  # PyTorch adds 1e-6 to the norm
    return "one factor for all arrays, and only where the norm is too large: the direction stays."


@returns_report
def check_truncated(truncated):
    """Check exercise 5: (model, X, dY, window) -> the gradients of truncated BPTT, added up over all windows."""
    rng = np.random.default_rng(6)
    T, window = 10, 4
    model = RNN(2, 4, 3, seed=1)
    X, dY = rng.normal(size=(T, 3, 2)), rng.normal(size=(T, 3, 3))
    got = attempt(truncated, model, X, dY, window)
    require_dict("your answer", got, model.params, of="gradients")

    def by_windows(starts, carry_on=True, add_up=True):
        total, state = {name: 0 for name in model.params}, None
        for start in starts:
            model.forward(X[start : start + window], state)
            state = model.state if carry_on else None
            for name, g in model.backward(dY[start : start + window]).items():
                total[name] = g + add_up * total[name]
        return total

    starts = range(0, T, window)
    model.forward(X)
    full = model.backward(dY)
    known = [
        ("not_truncated", full, "this is the full gradient: nothing was cut."),
        ("state_not_carried", by_windows(starts, carry_on=False),
         "each window starts from a state of zeros. Hand model.state to the next forward: only the gradient is cut."),
        ("last_window_missing", by_windows(range(0, T - window + 1, window)),
         "the last window is missing: it is shorter when the length is no multiple of `window`."),
        ("first_window_only", by_windows([0]), "this is the first window alone. Add up the gradients of all of them."),
        ("last_window_only", by_windows(starts, add_up=False),
         "this is the last window alone: each window replaces the gradients of the one before. Add them up."),
        ("mean_over_windows", {name: g / len(starts) for name, g in by_windows(starts).items()},
         "a mean over the windows: dY holds the loss's mean already, so the windows add up."),
    ]
    for name, right in by_windows(starts).items():
        mistakes = [(kind, wrong[name], tip) for kind, wrong, tip in known]
        remark = judge(f"the gradient of {name}", got[name], right, mistakes)
    return "the state crosses the borders, the gradient does not." + remark


@returns_report
def check_radius(radius):
    """Check exercise 4: the spectral radius at which one network's gradient is as large at lag 30 as at lag 0."""
    require_filled("radius", radius)
    try:
        radius = check_number("radius", radius, above=0)
    except (TypeError, ValueError):
        require(False, "wrong_type", f"radius: expected a number above 0, got {safe_describe(radius)}.")
    ratio = gradient_ratio(radius)
    require(ratio > 0.5, "vanishes", f"at radius {radius:g} the gradient at lag 30 is {ratio:.2g} of that at lag 0: "
            "it still vanishes.")
    require(ratio < 2, "explodes", f"at radius {radius:g} the gradient at lag 30 is {ratio:.2g} times that at lag 0: "
            "it explodes.")
    return (f"at radius {radius:g} the gradient at lag 30 is {ratio:.2f} of that at lag 0. It had to be above 1: tanh "
            "takes away what the matrix adds.")


def gradient_ratio(radius):
    """Return how large the gradient of x_1 is, relative to that of x_31: RNN(4, 32, 4, seed=0), symbols, last error."""
    model = spectral_radius(RNN(4, 32, 4, seed=0), radius)
    X, labels = data.first_symbol(64, 31, seed=1)  # the data of the lesson
    _, dY = last_step(cross_entropy_loss)(model.forward(X), labels)
    model.backward(dY)
    norms = np.linalg.norm(model.input_gradient(), axis=(1, 2))
    return norms[0] / norms[-1]
