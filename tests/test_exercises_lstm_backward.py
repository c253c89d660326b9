"""check_lstm_backward names the mistake, however it was coded, and never the wrong one."""

import itertools
from functools import partial

import numpy as np
import pytest
from oracles import Awkward, examined, noted

from rnn_lib import LSTM
from rnn_lib.bugs.lstm import LSTM_BUGS, LSTM_KINDS, LSTM_SUBJECT, BuggyLSTM, right, states_of
from rnn_lib.bugs.lstm.subject import make_problem
from rnn_lib.exercises import check_lstm_backward
from rnn_lib.exercises.verdict import close
from rnn_lib.gradcheck import check_direction, check_gradients
from rnn_lib.losses import mse_loss

examine = partial(examined, check_lstm_backward)
GATES = "ifgo"
PROBLEMS = LSTM_SUBJECT.problems
FRESH = make_problem(T=6, B=3, I=4, H=5, O=2, seed=77)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# Three backward passes written for this test, each with a switch: `bugs` maps a mistake to True or to its size.


def slope(gate, a, bugs):
    """The slope of a gate's function, expressed through its value."""
    if gate == "g":
        if "tanh_derivative_missing" in bugs:
            return np.ones_like(a)
        return 1 - np.tanh(a) ** 2 if "double_tanh" in bugs else 1 - a * a
    if "sigmoid_derivative_missing" in bugs and gate in bugs["sigmoid_derivative_missing"]:
        return np.ones_like(a)
    return sigmoid(a) * (1 - sigmoid(a)) if "double_sigmoid" in bugs else a - a * a


def tanh_slope(c, bugs):
    """tanh' at the cell state."""
    if "tanh_of_cell_missing" in bugs:
        return np.ones_like(c)
    return 1 - c**2 if "tanh_of_cell_wrong" in bugs else np.cosh(c) ** -2.0


def finished(grads, bugs, X):
    """What can go wrong after the walk back."""
    if "scale" in bugs:
        grads = {name: g * {"1/B": 1 / X.shape[1], "2": 2, "-1": -1}[bugs["scale"]] for name, g in grads.items()}
    if "bias_missing" in bugs:
        grads["b_h"] = np.zeros_like(grads["b_h"])
    if "gradient_transposed" in bugs:
        grads["W_hh"] = np.concatenate([square.T for square in np.split(grads["W_hh"], 4)])
    return grads


def gates_apart(**bugs):
    """Four matrices, four biases; states are columns; the names of many a blog post."""
    kept = {}

    def backward(params, X, states, dY):
        T, H = len(X), states["h"].shape[2]
        W = {gate: W for gate, W in zip(GATES, np.split(params["W_xh"], 4), strict=True)}
        U = {gate: U for gate, U in zip(GATES, np.split(params["W_hh"], 4), strict=True)}
        dW, dU = ({gate: np.zeros_like(M) for gate, M in matrices.items()} for matrices in (W, U))
        db = {gate: np.zeros(H) for gate in GATES}
        dV, dby = np.zeros_like(params["W_hy"]), np.zeros_like(params["b_y"])
        hs = {t: states["h"][t + 1].T for t in range(-1, T)}
        cs = {t: states["c"][t + 1].T for t in range(-1, T)}
        if "state_wraps" in bugs:
            hs[-1] = hs[T - 1]
        dh_next, dc_next = np.zeros_like(hs[0]), np.zeros_like(cs[0])
        for t in range(T - 1, -1, -1):
            i, f, g, o = (states[gate][t].T for gate in GATES)
            dy = dY[t].T
            dV += dy @ (cs[t] if "cell_for_hidden" in bugs else hs[t]).T
            dby += dy.sum(axis=1)
            if "error_reinjected" in bugs:
                dy = dY[-1].T
            if "errors_dropped" in bugs and t < T - 1:
                dy = 0 * dy
            dh = params["W_hy"].T @ dy + dh_next
            dtanh_c = dh if "output_gate_missing" in bugs else dh * o
            dc = dtanh_c * tanh_slope(cs[t], bugs) * ("hidden_to_cell_missing" not in bugs) + dc_next
            before = cs[t] if "cell_off_by_one" in bugs else cs[t - 1]
            d = {"f": dc * before, "i": dc * g, "g": dc * i,
                 "o": (dc if "output_gate_error" in bugs else dh) * (
                     cs[t] if "output_gate_partner" in bugs else np.tanh(cs[t]))}
            if "input_gate_swapped" in bugs:
                d["i"], d["g"] = dc * i, dc * g
            dz = {gate: d[gate] * slope(gate, a, bugs) for gate, a in zip(GATES, (i, f, g, o), strict=True)}
            h_prev = hs[t] if "state_off_by_one" in bugs else hs[t - 1]
            for gate in GATES:
                dW[gate] += dz[gate] @ X[t]
                dU[gate] += dz[gate] @ h_prev.T
                db[gate] += dz[gate].sum(axis=1)
            roads = {gate: (U[gate] if "W_hh_untransposed" in bugs else U[gate].T) @ dz[gate] for gate in GATES}
            dh_next = sum(roads[gate] for gate in bugs.get("gate_left_out_of_carry", GATES))
            dc_next = dc if "forget_gate_missing" in bugs else dc * f
            cut = (T - t) % bugs.get("truncated", T + 1) == 0
            if "hidden_carry_missing" in bugs or "carry_missing" in bugs or cut:
                dh_next = 0 * dh_next
            if "cell_carry_missing" in bugs or "carry_missing" in bugs or cut:
                dc_next = 0 * dc_next
        order = bugs.get("gates_swapped", GATES)
        grads = finished({
            "W_xh": np.concatenate([dW[gate] for gate in order]), "W_hh": np.concatenate([dU[gate] for gate in order]),
            "b_h": np.concatenate([db[gate] for gate in order]), "W_hy": dV, "b_y": dby,
        }, bugs, X)
        if "not_zeroed" in bugs:
            for name, g in grads.items():
                kept[name] = kept.get(name, 0) + g
            return {name: g.copy() for name, g in kept.items()}
        return grads

    return backward


def stacked_rows(**bugs):
    """States are rows; the four gates side by side; all derivatives before the loop, all products after it."""
    carried = {}

    def backward(params, X, states, dY):
        h, c, i, f, g, o = (states[name] for name in ("h", "c", *GATES))
        T, B, H = i.shape
        W_back = params["W_hh"]
        if "W_hh_untransposed" in bugs:
            W_back = W_back.reshape(4, H, H).transpose(0, 2, 1).reshape(4 * H, H)
        if "gate_left_out_of_carry" in bugs:
            W_back = W_back * np.repeat([gate in bugs["gate_left_out_of_carry"] for gate in GATES], H)[:, None]
        dY_in = dY
        if "error_reinjected" in bugs:
            dY_in = np.tile(dY[-1], (T, 1, 1))
        if "errors_dropped" in bugs:
            dY_in = dY * (np.arange(T) == T - 1)[:, None, None]
        out = np.ones_like(o) if "output_gate_missing" in bugs else o
        out = out * tanh_slope(c[1:], bugs)
        into = [g, c[1:] if "cell_off_by_one" in bugs else c[:-1], i,
                c[1:] if "output_gate_partner" in bugs else np.tanh(c[1:])]
        if "input_gate_swapped" in bugs:
            into[0], into[2] = i, g
        factors = np.stack([a * slope(gate, states[gate], bugs) for gate, a in zip(GATES, into, strict=True)], axis=2)
        dz = np.zeros((T, B, 4, H))
        dh, dc = carried.get("last", (0, 0)) if "not_zeroed" in bugs else (0, 0)
        if np.shape(dh) not in ((), (B, H)):
            dh = dc = 0
        for n, t in enumerate(reversed(range(T))):
            if "truncated" in bugs and n % bugs["truncated"] == 0:
                dh, dc = 0, 0
            dh = dY_in[t] @ params["W_hy"] + dh
            dc = dh * out[t] + dc
            dz[t] = factors[t] * dc[:, None]
            dz[t, :, 3] = factors[t, :, 3] * dh
            dh = dz[t].reshape(B, 4 * H) @ W_back * ("hidden_carry_missing" not in bugs and "carry_missing" not in bugs)
            dc = dc * (1 if "forget_gate_missing" in bugs else f[t])
            if "cell_carry_missing" in bugs or "carry_missing" in bugs:
                dc = np.zeros_like(dc)
        carried["last"] = dh, dc
        order = [GATES.index(gate) for gate in bugs.get("gates_swapped", GATES)]
        flat = dz[:, :, order].reshape(T * B, 4 * H)
        before = h[1:] if "state_off_by_one" in bugs else h[:-1]
        if "state_wraps" in bugs:
            before = np.concatenate([h[-1:], h[1:-1]])
        return finished({
            "b_y": dY.sum(axis=(0, 1)),
            "W_hy": np.tensordot(dY, (c if "cell_for_hidden" in bugs else h)[1:], axes=([0, 1], [0, 1])),
            "b_h": flat.sum(axis=0), "W_hh": flat.T @ before.reshape(T * B, H), "W_xh": flat.T @ X.reshape(T * B, -1),
        }, bugs, X)

    return backward


def jacobians(**bugs):
    """(h, c) is one state of 2H numbers; its Jacobians are matrices, multiplied sequence by sequence."""
    kept = {}

    def backward(params, X, states, dY):
        h, c = states["h"], states["c"]
        T, B, H = states["i"].shape
        U, eye = params["W_hh"], np.eye(H)
        if "W_hh_untransposed" in bugs:
            U = np.concatenate([square.T for square in np.split(U, 4)])
        grads = {name: np.zeros(p.shape) for name, p in params.items()}
        for b in range(B):
            later = np.zeros(2 * H)
            for t in range(T, 0, -1):
                i, f, g, o = (states[gate][t - 1, b] for gate in GATES)
                before = c[t, b] if "cell_off_by_one" in bugs else c[t - 1, b]
                i_to_c, g_to_c = (i, g) if "input_gate_swapped" in bugs else (g, i)
                dc_dz = [np.diag(a * slope(gate, v, bugs)) for gate, a, v in
                         (("i", i_to_c, i), ("f", before, f), ("g", g_to_c, g))]
                dc_dz = np.hstack([*dc_dz, 0 * eye])                               # (H, 4H)
                open_ = np.ones(H) if "output_gate_missing" in bugs else o
                dh_dc = np.diag(open_ * tanh_slope(c[t, b], bugs))
                partner = c[t, b] if "output_gate_partner" in bugs else np.tanh(c[t, b])
                dh_dz = dh_dc @ dc_dz
                dh_dz[:, 3 * H :] = np.diag(partner * slope("o", o, bugs))
                error = dY[-1 if "error_reinjected" in bugs else t - 1, b]
                error = 0 * error if "errors_dropped" in bugs and t < T else error
                adjoint = later + np.concatenate([error @ params["W_hy"], np.zeros(H)])
                dz = adjoint @ np.vstack([dh_dz, dc_dz])
                own_road = np.concatenate([np.zeros(H), adjoint[:H] @ dh_dc + adjoint[H:]])[H:]
                kept_of = np.ones(H) if "forget_gate_missing" in bugs else f
                hidden = dz @ U if "gate_left_out_of_carry" not in bugs else sum(
                    dz[k * H : (k + 1) * H] @ U[k * H : (k + 1) * H]
                    for k, gate in enumerate(GATES) if gate in bugs["gate_left_out_of_carry"])
                gone = "carry_missing" in bugs or (T - t + 1) % bugs.get("truncated", T + 1) == 0
                later = np.concatenate([hidden * (not gone and "hidden_carry_missing" not in bugs),
                                        own_road * kept_of * (not gone and "cell_carry_missing" not in bugs)])
                rows = dz.reshape(4, H)[[GATES.index(k) for k in bugs.get("gates_swapped", GATES)]].ravel()
                h_prev = h[t, b] if "state_off_by_one" in bugs else h[t - 1, b]
                if "state_wraps" in bugs and t == 1:
                    h_prev = h[T, b]
                grads["W_xh"] += np.outer(rows, X[t - 1, b])
                grads["W_hh"] += np.outer(rows, h_prev)
                grads["b_h"] += rows
                grads["W_hy"] += np.outer(dY[t - 1, b], (c if "cell_for_hidden" in bugs else h)[t, b])
                grads["b_y"] += dY[t - 1, b]
        grads = finished(grads, bugs, X)
        if "not_zeroed" in bugs:
            for name, g in grads.items():
                kept[name] = g = g + (kept[name] if name in kept and kept[name].shape == g.shape else 0)
                grads[name] = g
        return grads

    return backward


STYLES = [gates_apart, stacked_rows, jacobians]
SIZED = {
    "sigmoid_derivative_missing": "ifo", "scale": "1/B", "truncated": 3, "gates_swapped": "ifog",
    "gate_left_out_of_carry": "ifo",
}
SWITCHES = [
    "cell_carry_missing", "forget_gate_missing", "hidden_carry_missing", "carry_missing", "tanh_of_cell_missing",
    "tanh_of_cell_wrong", "output_gate_missing", "output_gate_partner", "sigmoid_derivative_missing",
    "tanh_derivative_missing", "double_sigmoid", "double_tanh", "gates_swapped", "cell_off_by_one", "cell_for_hidden",
    "input_gate_swapped", "state_off_by_one", "state_wraps", "W_hh_untransposed", "gate_left_out_of_carry",
    "error_reinjected", "errors_dropped", "not_zeroed", "scale", "gradient_transposed", "truncated", "bias_missing",
]


def switched(style, *switches, **sizes):
    return style(**{switch: (SIZED | sizes).get(switch, True) for switch in switches})


@pytest.mark.parametrize("style", STYLES)
def test_a_right_answer_in_any_style_passes(style):
    report = examine(style())
    assert report.kind == "correct" and report.passed, report
    assert check_lstm_backward(style()).passed


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("switch", SWITCHES)
def test_each_mistake_is_named_in_each_style(style, switch):
    report = examine(switched(style, switch))
    assert report.kind == switch and LSTM_KINDS[switch] in report.message, report


@pytest.mark.parametrize("switch", ["output_gate_error", "hidden_to_cell_missing"])
def test_an_error_at_the_wrong_state_is_named(switch):
    assert examine(gates_apart(**{switch: True})).kind == switch


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("gates", ["i", "f", "o", "if", "io", "fo"])
def test_a_sigmoid_whose_slope_is_missing_is_told_by_its_gate(style, gates):
    report = examine(style(sigmoid_derivative_missing=gates))
    assert report.kind == "sigmoid_derivative_missing"
    assert f"The factor sigmoid' of {', '.join(gates)} is missing." in report.message


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("order", ["fiog", "gofi", "iogf", "figo"])
def test_the_order_in_which_the_gates_stand_is_told(style, order):
    report = examine(style(gates_swapped=order))
    assert report.kind == "gates_swapped" and f"in the order {', '.join(order)}." in report.message


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("left", ["i", "fg", "go", "igo"])
def test_a_gate_without_a_road_back_is_told(style, left):
    report = examine(style(gate_left_out_of_carry=left))
    lacking = ", ".join(gate for gate in GATES if gate not in left)
    assert report.kind == "gate_left_out_of_carry" and f"lacks the roads through {lacking}." in report.message


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("k", [2, 4, 10, 50])
def test_a_window_is_named_with_its_length(style, k):
    report = examine(style(truncated=k))
    assert report.kind == "truncated" and f" {k} steps" in report.message, report


def patients(kind):
    """The names of the patients of a kind."""
    return [name for name, bug in LSTM_BUGS.items() if bug.kind == kind]


@pytest.mark.parametrize("kind", LSTM_KINDS)
def test_every_patient_is_recognised(kind):
    for name in patients(kind):
        with noted(name):
            report = examine(LSTM_BUGS[name].make())
            assert report.kind == kind, report
            assert not report.passed


def test_every_bug_has_a_kind_a_sentence_and_advice():
    for name, bug in LSTM_BUGS.items():
        assert bug.name == name and bug.kind in LSTM_KINDS
        assert bug.sentence.endswith(".") and "\n" not in bug.sentence and "{}" not in bug.sentence
    assert {bug.kind for bug in LSTM_BUGS.values()} == set(LSTM_KINDS)


def test_the_check_can_tell_its_kinds_apart():
    """No two kinds, and nothing right, leave gradients closer than 1 % on some problem."""
    gradients = {"right": ("correct", [p.right for p in PROBLEMS])}
    for name, bug in LSTM_BUGS.items():
        if bug.kind not in ("params_changed", "not_zeroed", "stale_cache", "weight_decay"):
            gradients[name] = bug.kind, [p.answer(bug.make()) for p in PROBLEMS]
    for (kind, ours), (other_kind, theirs) in itertools.combinations(gradients.values(), 2):
        if kind != other_kind:
            assert not all(close(a[name], b[name], 0.01) for a, b in zip(ours, theirs, strict=True) for name in a)


PAIRS = list(itertools.combinations(SWITCHES, 2))


@pytest.mark.parametrize(("style", "part"), [(gates_apart, PAIRS[::9]), (stacked_rows, PAIRS[3::9])])
def test_two_mistakes_at_once_are_named_or_unknown(style, part):
    named = 0
    for pair in part:
        report = examine(switched(style, *pair))
        found, allowed = set(report.kind.split(" + ")), set(pair)
        if allowed <= {"cell_carry_missing", "hidden_carry_missing", "carry_missing"}:
            allowed = {"carry_missing"}
        assert found <= allowed or report.kind in ("unknown", "not_repeatable"), (pair, report)
        named += len(found) == 2
    assert named >= 0.7 * len(part)  # of 39, 30; 29 where another CPU rounds what a missing slope lets explode


@pytest.mark.parametrize("pair", [
    ("forget_gate_missing", "cell_off_by_one"), ("sigmoid_derivative_missing", "tanh_derivative_missing"),
    ("output_gate_missing", "tanh_of_cell_missing"), ("state_off_by_one", "cell_off_by_one"),
    ("tanh_of_cell_missing", "scale"), ("hidden_carry_missing", "bias_missing"),
    ("gates_swapped", "gradient_transposed"), ("cell_carry_missing", "W_hh_untransposed"),
])
def test_two_visible_mistakes_are_both_named(pair):
    for style in STYLES:
        report = examine(switched(style, *pair))
        assert set(report.kind.split(" + ")) == set(pair), report
        assert all(LSTM_KINDS[kind] in report.message for kind in pair)


def changed(change, backward=right):
    def wrong(params, X, states, dY):
        grads = backward(params, X, states, dY)
        change(grads, params, X, states, dY)
        return grads
    return wrong


def reverse_rows(gate):
    """A mistake without a name, in the rows of one gate."""
    def change(grads, params, X, states, dY):
        H, k = states["h"].shape[2], GATES.index(gate)
        for name in ("W_xh", "W_hh", "b_h"):
            grads[name][k * H : (k + 1) * H] = grads[name][k * H : (k + 1) * H][::-1].copy()
    return changed(change)


@pytest.mark.parametrize("gate", GATES)
def test_unknown_says_in_which_gates_rows_it_is_wrong(gate):
    report = examine(reverse_rows(gate))
    assert report.kind == "unknown" and "wrong for W_xh, W_hh, b_h," in report.message
    assert dict(report.table[1:])["W_hh"] == f"wrong in the rows of {gate}"
    already = "With W_hh = 0 and every f_t = 0 nothing comes back from later steps, and it is wrong already"
    assert (already in report.message) == (gate != "f")  # with f = 0 the rows of f are 0, and so they are right


def test_a_known_mistake_says_in_which_gates_rows_it_shows():
    report = examine(LSTM_BUGS["sigmoid_derivative_missing_in_weights_of_f"].make())
    assert report.message.endswith("It shows in: W_xh, W_hh, b_h in the rows of f.")


@pytest.mark.parametrize("lag", [1, 2, 4])
def test_unknown_says_from_which_step_back(lag):
    """An error is made half as large again when it goes back through the cell for the lag-th time."""
    def wrong(params, X, states, dY):
        grads = {name: 0 * p for name, p in params.items()}
        for t in range(len(X)):  # each output error walks back on its own
            error = np.zeros_like(dY)
            error[t] = dY[t]
            for name, g in by_factors(params, X, states, error, {t - lag + 1: 1.5}).items():
                grads[name] += g
        return grads
    report = examine(wrong)
    back = "from one step back on" if lag == 1 else f"from {lag} steps back on"
    assert report.kind == "unknown" and f"wrong {back}" in report.message, report


def by_factors(params, X, states, dY, factors):
    """The right backward pass, but what goes back through the cell from step t is multiplied by factors[t]."""
    i, f, g, o = (states[gate] for gate in GATES)
    h, c = states["h"], states["c"]
    dz, dh, dc = np.zeros((*i.shape[:2], 4 * i.shape[2])), 0, 0
    for t in reversed(range(len(X))):
        dh = dY[t] @ params["W_hy"] + dh
        dc = dh * o[t] / np.cosh(c[t + 1]) ** 2 + dc
        dz[t] = np.hstack([dc * g[t] * i[t] * (1 - i[t]), dc * c[t] * f[t] * (1 - f[t]), dc * i[t] * (1 - g[t] ** 2),
                           dh * np.tanh(c[t + 1]) * o[t] * (1 - o[t])])
        dh, dc = dz[t] @ params["W_hh"], dc * f[t] * factors.get(t, 1)
    sums = {"W_xh": (dz, X), "W_hh": (dz, h[:-1]), "W_hy": (dY, h[1:])}
    grads = {name: np.einsum("tbi,tbj->ij", a, b) for name, (a, b) in sums.items()}
    return {**grads, "b_h": dz.sum(axis=(0, 1)), "b_y": dY.sum(axis=(0, 1))}


def in_single(*args):
    return {name: g.astype(np.float32) for name, g in right(*args).items()}


def writes(params, X, states, dY):
    grads = right(params, X, states, dY)
    states["c"] *= 0
    return grads


@pytest.mark.parametrize(("backward", "remark"), [
    (in_single, "single precision"), (writes, "writes into its argument states"),
    (lambda *args: {name: g.tolist() for name, g in right(*args).items()}, ""),
])
def test_harmless_habits_pass_with_a_remark(backward, remark):
    report = examine(backward)
    assert report.passed and remark in report.message and ("One remark" in report.message) == bool(remark), report


def test_tensors_pass_and_single_precision_hides_no_mistake():
    torch = pytest.importorskip("torch")
    assert examine(lambda *args: {name: torch.tensor(g, requires_grad=True) for name, g in right(*args).items()}).passed
    wrong = LSTM_BUGS["cell_off_by_one"].make()
    assert examine(lambda *args: {name: torch.tensor(g).float() for name, g in wrong(*args).items()}
                   ).kind == "cell_off_by_one"


def by_autograd(params, X, states, dY):
    """PyTorch finds the gradients; the gates of the forward pass are not looked at."""
    import torch

    p = {name: torch.tensor(a, requires_grad=True) for name, a in params.items()}
    h, c = torch.tensor(states["h"][0]), torch.tensor(states["c"][0])
    loss = 0
    for x, d in zip(torch.tensor(X), torch.tensor(dY), strict=True):
        i, f, g, o = torch.chunk(x @ p["W_xh"].T + h @ p["W_hh"].T + p["b_h"], 4, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        loss = loss + (d * (h @ p["W_hy"].T + p["b_y"])).sum()
    loss.backward()
    return {name: a.grad for name, a in p.items()}


def test_gradients_by_autograd_pass():
    pytest.importorskip("torch")
    assert examine(by_autograd).passed


def raises(error):
    def backward(*args):
        raise error
    return backward


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("answer", "kind"), [
    (None, "not_started"), (..., "not_started"), (lambda *args: None, "not_started"), (3, "wrong_type"),
    (Awkward(), "wrong_type"), (lambda *args: Awkward(), "wrong_type"), (lambda *args: {}, "wrong_keys"),
    (lambda *args: right(*args) | {"W_hh": Awkward()}, "wrong_type"), (lambda: 1, "exception"),
    (lambda *args: right(*args) | {"b_h": np.zeros(3)}, "wrong_shape"), (raises(SystemExit(1)), "exception"),
    (lambda *args: right(*args) | {"b_h": right(*args)["b_h"] * np.nan}, "not_finite"),
    (lambda params, X, states, dY: states["f"][len(X)], "exception"), (lambda *args: args[2].clear(), "not_returned"),
    (lambda params, *args: {name: 0 * p for name, p in params.items()}, "not_started"),
    (lambda *args: right(*args) | {"W_xh": right(*args)["W_xh"].T}, "gradient_transposed"),
], ids=range(16))
def test_rubbish_gets_a_report(answer, kind):
    report = check_lstm_backward(answer)
    assert report.kind == kind and not report.passed and str(report) and report._repr_html_(), report


def test_what_is_kept_between_calls():
    for name in ("not_zeroed", "carry_not_zeroed", "hidden_carry_not_zeroed", "cell_carry_not_zeroed"):
        patient = LSTM_BUGS[name].make()
        for _ in range(2):  # the second time, the first check has left its traces
            assert examine(patient).kind == "not_zeroed"
    kept = {}

    def stale(params, X, states, dY):
        return right(params, X, kept.setdefault(X.shape, states), dY)
    report = examine(stale)
    assert report.kind == "stale_cache" and "the first call's states." in report.message


@pytest.mark.parametrize("kind", LSTM_KINDS)
def test_gradient_checking_rejects_every_patient_too(kind):
    for name in patients(kind):
        rng = np.random.default_rng(0)
        target = rng.normal(size=(6, 3, 5))
        model = BuggyLSTM(name, 2, 4, 5)
        for p in model.params.values():
            p[...] = rng.normal(size=p.shape)
        with noted(name), np.errstate(all="ignore"):
            X, sizes = rng.normal(size=(6, 3, 2)), {"input_size": 2, "hidden_size": 4, "output_size": 5}
            assert not check_direction(model, X, partial(mse_loss, target=target)).passed
            assert model.config == {"bug": name, **sizes}


def test_the_healthy_lstm_passes_gradient_checking():
    rng = np.random.default_rng(0)
    target = rng.normal(size=(4, 2, 2))
    assert check_gradients(LSTM(2, 3, 2), rng.normal(size=(4, 2, 2)), lambda Y: mse_loss(Y, target)).passed


def test_the_healthy_pass_is_the_models():
    model = LSTM(4, 5, 2)
    model.set_params(FRESH.params)
    states = FRESH.args["states"]
    Y = model.forward(FRESH.args["X"], (states["h"][0], states["c"][0]))
    assert Y.shape == FRESH.args["dY"].shape and all(np.array_equal(states_of(model)[k], a) for k, a in states.items())
    grads = model.backward(FRESH.args["dY"])
    for backward in (right, *(style() for style in STYLES)):
        assert all(close(grads[name], g, 1e-13) for name, g in FRESH.answer(backward).items())
    assert check_lstm_backward(of_the_model).passed


def of_the_model(params, X, states, dY):
    """LSTM itself, run anew."""
    model = LSTM(X.shape[2], states["h"].shape[2], dY.shape[2])
    model.set_params(params)
    model.forward(X, (states["h"][0], states["c"][0]))
    return model.backward(dY)
