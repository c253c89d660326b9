"""check_backward names the mistake, however it was coded, and never the wrong one."""

import functools
import itertools
import types
from functools import partial

import numpy as np
import pytest
from oracles import examined

from rnn_lib import RNN
from rnn_lib.bugs import BUGS, KINDS, right
from rnn_lib.bugs.rnn import RNN_SUBJECT
from rnn_lib.exercises import check_backward
from rnn_lib.exercises.verdict import close

examine = partial(examined, check_backward)
PROBLEMS = RNN_SUBJECT.problems
FIRST, SHORT, LONG = RNN_SUBJECT.first, RNN_SUBJECT.others[0], RNN_SUBJECT.others[-1]


# Three backward passes written for this test, each with a switch: `bugs` maps a mistake to True or to its size.


def derivative(h, bugs):
    if "double_tanh" in bugs:
        return 1 - np.tanh(h) ** 2
    if "wrong_derivative" in bugs:
        return h
    return np.ones_like(h) if "tanh_derivative_missing" in bugs else 1 - h * h


def finish(grads, bugs, X):
    """What can go wrong after the walk back."""
    T, B, _ = X.shape
    if "scale" in bugs:
        factor = {"1/B": 1 / B, "1/T": 1 / T, "1/(T·B)": 1 / (T * B), "B": B}.get(bugs["scale"])
        factor = float(bugs["scale"]) if factor is None else factor
        grads = {name: factor * g for name, g in grads.items()}
    if "bias_missing" in bugs:
        grads["b_h"] = 0 * grads["b_h"]
    return grads


def column_states(**bugs):
    """States are columns (H, B); one step at a time; h_1 ... h_T and h_0 in a dict, as in many a blog post."""
    kept = {}

    def backward(params, X, hidden_states, dY):
        T = len(X)
        Wxh, Whh, Why = params["W_xh"], params["W_hh"], params["W_hy"]
        hs = {t: hidden_states[t + 1].T for t in range(T)}
        hs[-1] = hs[T - 1] if "state_wraps" in bugs else hidden_states[0].T
        fresh = {"W_xh": np.zeros_like(Wxh), "W_hh": np.zeros_like(Whh), "b_h": np.zeros((len(Whh), 1)),
                 "W_hy": np.zeros_like(Why), "b_y": np.zeros((len(Why), 1))}
        if "not_zeroed" in bugs:
            d = kept.setdefault("d", fresh)
        else:
            d = fresh
        dh_next = np.zeros_like(hs[0])
        for t in reversed(range(T)):
            dy = dY[t].T
            d["W_hy"] += dy @ hs[t].T
            d["b_y"] += dy.sum(axis=1, keepdims=True)
            if "error_reinjected" in bugs:
                dy = dY[T - 1].T
            if "errors_dropped" in bugs and t < T - 1:
                dy = np.zeros_like(dy)
            dh = Why.T @ dy if "carry_missing" in bugs else Why.T @ dy + dh_next
            dz = derivative(hs[t], bugs) * dh
            if "tanh_on_carry_missing" in bugs:
                dz = derivative(hs[t], bugs) * (Why.T @ dy) + dh_next
            d["b_h"] += dz.sum(axis=1, keepdims=True)
            d["W_xh"] += dz @ X[t]
            before = hs[t] if "state_off_by_one" in bugs else hs[t - 1]
            d["W_hh"] += before @ dz.T if "gradient_transposed" in bugs else dz @ before.T
            if "W_hh_untransposed" in bugs:
                dh_next = Whh @ dz
            elif "tanh_derivative_wrong_side" in bugs:
                dh_next = derivative(hs[t], bugs) * (Whh.T @ dh)
            else:
                dh_next = Whh.T @ dz
            if "truncated" in bugs and (T - t) % bugs["truncated"] == 0:
                dh_next = np.zeros_like(dh_next)
            if "clipped" in bugs:
                np.clip(dh_next, -1, 1, out=dh_next)
        grads = {name: g.ravel() if name.startswith("b") else g for name, g in d.items()}
        return finish(grads, bugs, X)

    return backward


def row_states(**bugs):
    """States are rows; the error of every step is walked back on its own, and all paths are summed."""
    kept = []

    def backward(params, X, hidden_states, dY):
        T, B, I = X.shape
        if not kept or "not_zeroed" not in bugs:
            kept[:] = [np.zeros(p.shape) for p in params.values()]
        dWxh, dWhh, dbh, dWhy, dby = kept
        own = list(hidden_states[1:])
        if "state_wraps" in bugs:
            before = [own[t - 1] for t in range(T)]
        else:
            before = own if "state_off_by_one" in bugs else list(hidden_states[:-1])
        for t in range(T):
            dWhy += dY[t].T @ own[t]
            dby += dY[t].sum(axis=0)
            if "errors_dropped" in bugs and t < T - 1:
                continue
            dh = dY[-1 if "error_reinjected" in bugs else t] @ params["W_hy"]
            slope = derivative(own[t], bugs)
            window = 1 if "carry_missing" in bugs else bugs.get("truncated", T)
            for s in range(t, max(-1, t - window), -1):
                dz = dh if s < t and "tanh_on_carry_missing" in bugs else dh * slope
                dWxh += dz.T @ X[s]
                dWhh += before[s].T @ dz if "gradient_transposed" in bugs else dz.T @ before[s]
                dbh += dz.sum(axis=0)
                if "tanh_derivative_wrong_side" in bugs:
                    dh = dh @ params["W_hh"] * slope
                else:
                    dh = dz @ (params["W_hh"].T if "W_hh_untransposed" in bugs else params["W_hh"])
                if "clipped" in bugs:
                    dh = np.minimum(np.maximum(dh, -1), 1)
                slope = derivative(own[s - 1], bugs)
        return finish({name: g.copy() for name, g in zip(params, kept, strict=True)}, bugs, X)

    return backward


def matrix_form(**bugs):
    """One linear system for all steps: dz_t = slope_t * (error_t + W_hh.T dz_{t+1}), solved sequence by sequence."""
    kept = {}

    def backward(params, X, hidden_states, dY):
        T, B, I = X.shape
        H = hidden_states.shape[2]
        own, before = hidden_states[1:], hidden_states[:-1]
        if "state_off_by_one" in bugs:
            before = own
        if "state_wraps" in bugs:
            before = np.concatenate([own[-1:], own[:-1]])
        used = dY.copy()
        if "error_reinjected" in bugs:
            used[:] = dY[-1]
        if "errors_dropped" in bugs:
            used[:-1] = 0
        slope = derivative(own, bugs)
        through = params["W_hh"] if "W_hh_untransposed" in bugs else params["W_hh"].T
        dZ = np.empty((T, B, H))
        for b in range(B):
            D = np.diag(slope[:, b].ravel())
            shift = np.zeros((T * H, T * H))
            for t in range(T - 1):
                k = bugs.get("truncated")
                if "carry_missing" not in bugs and not (k and (t + 1) % k == 0):
                    shift[t * H : (t + 1) * H, (t + 1) * H : (t + 2) * H] = through
            error = (used[:, b] @ params["W_hy"]).ravel()
            eye = np.eye(T * H)
            if "tanh_on_carry_missing" in bugs:
                dz = np.linalg.solve(eye - shift, D @ error)
            elif "tanh_derivative_wrong_side" in bugs:
                later = np.roll(slope[:, b], -1, axis=0).ravel()
                dz = D @ np.linalg.solve(eye - np.diag(later) @ shift, error)
            else:
                dz = D @ np.linalg.solve(eye - shift @ D, error)
            dZ[:, b] = dz.reshape(T, H)
        dW_hh = np.tensordot(dZ, before, axes=([0, 1], [0, 1]))
        grads = finish({
            "b_y": dY.sum((0, 1)), "W_hy": np.tensordot(dY, own, axes=([0, 1], [0, 1])), "b_h": dZ.sum((0, 1)),
            "W_hh": dW_hh.T if "gradient_transposed" in bugs else dW_hh,
            "W_xh": np.tensordot(dZ, X, axes=([0, 1], [0, 1])),
        }, bugs, X)
        if "not_zeroed" in bugs:
            for name, g in grads.items():
                kept[name] = kept.get(name, 0) + g
            return kept
        return grads

    return backward


STYLES = [column_states, row_states, matrix_form]
KIND_OF = {"tanh_on_carry_missing": "tanh_derivative_missing"}
SIZED = {"scale": "1/B", "truncated": 3}
SWITCHES = ["carry_missing", "W_hh_untransposed", "double_tanh", "tanh_derivative_missing", "tanh_on_carry_missing",
            "tanh_derivative_wrong_side", "wrong_derivative", "state_off_by_one", "state_wraps", "error_reinjected",
            "errors_dropped", "not_zeroed", "scale", "gradient_transposed", "truncated", "bias_missing"]


@pytest.mark.parametrize("style", STYLES)
def test_a_right_answer_in_any_style_passes(style):
    report = check_backward(style())
    assert report.passed and report.kind == "correct" and str(report).startswith("Correct: ")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("switch", SWITCHES)
def test_each_mistake_is_named_in_each_style(style, switch):
    report = examine(style(**{switch: SIZED.get(switch, True)}))
    assert report.kind == KIND_OF.get(switch, switch)
    assert not report.passed
    assert KINDS[report.kind] in report.message


@pytest.mark.parametrize("style", [column_states, row_states])
def test_clipping_on_the_way_back(style):
    assert check_backward(style(clipped=True)).kind == "clipped"


@pytest.mark.parametrize("name", BUGS)
def test_every_patient_of_the_clinic_is_recognised(name):
    assert examine(BUGS[name].make()).kind == BUGS[name].kind


@pytest.mark.parametrize("factor", ["1/B", "1/T", "1/(T·B)", "2", "0.5", "-1", "B", "3.7"])
def test_the_factor_of_a_scaled_gradient_is_named(factor):
    report = check_backward(row_states(scale=factor))
    assert report.kind == "scale"
    assert f"every gradient is {'1/2' if factor == '0.5' else factor} times" in report.message


@pytest.mark.parametrize(("factor", "length_too"), [("-1", False), ("-2", True)])
def test_a_wrong_sign_is_no_wrong_length(factor, length_too):
    message = check_backward(row_states(scale=factor)).message
    assert "The direction is opposite: look for a sign." in message and "direction is right" not in message
    assert ("length is not right either" in message) == length_too


@pytest.mark.parametrize(("name", "place"), [
    ("tanh_derivative_missing_behind_carry", "the carry leaves without tanh'"),
    ("tanh_derivative_missing_on_carry", "the carry is added after it"),
    ("tanh_derivative_missing_in_weights", "made from dL/dh_t instead of dL/dz_t"),
])
def test_a_missing_tanh_derivative_is_located(name, place):
    assert place in check_backward(BUGS[name].make()).message


@pytest.mark.parametrize("spread", [np.float64, lambda total: total * np.ones(1), None])
def test_a_bias_summed_over_its_units(spread):
    def wrong(params, X, h, dY):
        grads = right(params, X, h, dY)
        total = grads["b_h"].sum()
        return {**grads, "b_h": spread(total) if spread else np.full_like(params["b_h"], total)}
    report = check_backward(wrong)
    assert report.kind == "bias_summed_over_units" and report.message.endswith("It shows in: b_h.")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("k", [2, 4, 10, 25, 50])
def test_a_window_is_named_with_its_length(style, k):
    report = check_backward(style(truncated=k))
    assert report.kind == "truncated"
    assert f" {k} steps" in report.message


PAIRS = list(itertools.combinations(SWITCHES, 2))


def kinds_of(pair):
    return {KIND_OF.get(switch, switch) for switch in pair}


@pytest.mark.parametrize(
    ("style", "pairs", "named"),
    [(column_states, PAIRS, 92), (row_states, PAIRS[::5], 17), (matrix_form, PAIRS[2::5], 16)]
)
def test_two_mistakes_at_once_are_named_or_unknown(style, pairs, named):
    count = 0
    for pair in pairs:
        report = examine(style(**{switch: SIZED.get(switch, True) for switch in pair}))
        found = set(report.kind.split(" + "))
        assert found <= kinds_of(pair) or report.kind in ("unknown", "not_repeatable"), (pair, report)
        if len(found) == 2:
            count += 1
            assert all(KINDS[kind] in report.message for kind in found) and "two mistakes at once" in report.message
    assert count >= named


@pytest.mark.parametrize("pair", [
    ("W_hh_untransposed", "state_off_by_one"), ("double_tanh", "gradient_transposed"), ("state_wraps", "scale"),
    ("carry_missing", "double_tanh"), ("error_reinjected", "tanh_derivative_missing"), ("bias_missing", "scale"),
    ("state_off_by_one", "bias_missing"), ("not_zeroed", "double_tanh"), ("not_zeroed", "scale"),
    ("scale", "gradient_transposed"), ("errors_dropped", "W_hh_untransposed"),
])
def test_two_visible_mistakes_are_both_named(pair):
    for style in STYLES:
        kind = check_backward(style(**{switch: SIZED.get(switch, True) for switch in pair})).kind
        assert set(kind.split(" + ")) == set(pair), (style, kind)


def test_two_mistakes_that_could_be_two_others_are_unknown():
    """Without a carry and with the last error alone, the other steps' dL/dz_t are 0: several pairs leave that."""
    report = examine(column_states(carry_missing=True, errors_dropped=True))
    assert report.kind == "unknown"


def test_sums_that_are_emptied_now_and_then_are_not_called_sums():
    kept, calls = {}, itertools.count()

    def backward(*args):
        if next(calls) in (5, 8):  # the check looks at the calls 5 to 8
            kept.clear()
        for name, g in BUGS["double_tanh"].make()(*args).items():
            kept[name] = kept.get(name, 0) + g
        return dict(kept)
    assert examine(backward).kind == "not_repeatable"


def changed(change, backward=right):
    """A right backward pass with `change` applied to its gradients."""
    def wrong(params, X, h, dY):
        grads = backward(params, X, h, dY)
        change(grads, params, X, h, dY)
        return grads
    return wrong


def test_unknown_names_the_wrong_parameters_and_only_those():
    report = check_backward(changed(lambda g, *_: g.update(b_h=g["b_h"][::-1])))
    assert report.kind == "unknown"
    assert "wrong for b_h," in report.message
    assert dict(report.table[1:]) == {"W_xh": "right", "W_hh": "right", "b_h": "wrong", "W_hy": "right", "b_y": "right"}
    assert "gradient of W_xh, made of every step's error, is right" in report.message


def test_a_right_walk_back_is_ruled_out():
    report = check_backward(changed(lambda g, *_: g.update(W_hh=g["W_hh"][::-1])))
    assert report.kind == "unknown" and "so is the walk back: look at the lines" in report.message


def test_one_kind_of_mistake_in_some_lines_only():
    not_summed = BUGS["not_summed"].make()

    def forms(params, X, h, dY):
        return {**right(params, X, h, dY), "W_hy": dY[0].T @ h[1], "b_h": not_summed(params, X, h, dY)["b_h"]}
    report = check_backward(forms)
    assert report.kind == "not_summed" and report.message.endswith("It shows in: b_h, W_hy.")


def test_gradients_of_length_one_have_no_factor():
    def normalised(*args):
        grads = right(*args)
        norm = np.sqrt(sum((g * g).sum() for g in grads.values()))
        return {name: g / norm for name, g in grads.items()}
    report = check_backward(normalised)
    assert report.kind == "scale" and "another one for other data" in report.message


def test_unknown_says_what_is_plain_about_a_gradient():
    def change(g, params, X, h, dY):
        g.update(W_hh=g["W_hh"].T, b_h=0 * g["b_h"], b_y=g["b_y"] / X.shape[1], W_hy=g["W_hy"] ** 2)
    report = check_backward(changed(change))
    assert dict(report.table[1:]) == {"W_xh": "right", "W_hh": "transposed", "b_h": "zero", "W_hy": "wrong",
                                      "b_y": "1/B times the right one"}


@pytest.mark.parametrize("lag", [1, 2, 4])
def test_unknown_says_from_which_step_back(lag):
    def wrong(params, X, h, dY):
        dh, slope = dY @ params["W_hy"], 1 - h[1:] ** 2
        dZ = np.zeros_like(dh)
        for t in range(len(X)):
            error = dh[t]
            for s in range(t, -1, -1):
                dz = error * slope[s]
                dZ[s] += dz
                error = dz @ params["W_hh"] * (1.5 if t - s + 1 == lag else 1)
        flat = dZ.reshape(-1, dZ.shape[-1])
        before = h[:-1].reshape(len(flat), -1)
        hidden = {"b_h": flat.sum(0), "W_xh": flat.T @ X.reshape(len(flat), -1), "W_hh": flat.T @ before}
        return {**right(params, X, h, dY), **hidden}
    report = check_backward(wrong)
    assert report.kind == "unknown"
    assert ("wrong from one step back on" if lag == 1 else f"wrong from {lag} steps back on") in report.message


def test_unknown_tells_an_error_that_joins_wrongly():
    def wrong(params, X, h, dY):
        return right(params, X, h, np.concatenate([1.5 * dY[:-1], dY[-1:]]))
    assert "how the other steps' errors join" in check_backward(wrong).message


def test_a_batch_that_is_not_summed():
    def wrong(params, X, h, dY):
        return {**right(params, X, h, dY), "b_h": right(params, X[:, :1], h[:, :1], dY[:, :1])["b_h"]}
    assert check_backward(wrong).kind == "batch"


def test_carry_or_gradient_of_one_parameter_kept_between_calls():
    total = {}

    def one_bias_kept(params, X, h, dY):
        grads = right(params, X, h, dY)
        total["b_h"] = grads["b_h"] = total.get("b_h", 0) + grads["b_h"]
        return grads

    for _ in range(2):  # the second time, the first check has left its traces
        assert check_backward(one_bias_kept).kind == "not_zeroed"
    carry = BUGS["carry_not_zeroed"].make()
    for _ in range(2):
        assert check_backward(carry).kind == "not_zeroed"


def test_arrays_that_are_handed_out_and_filled_again_are_no_mistake():
    buffers = {}

    def reuses(params, X, h, dY):
        for name, g in right(params, X, h, dY).items():
            if name not in buffers or buffers[name].shape != g.shape:
                buffers[name] = np.empty_like(g)
            buffers[name][...] = g
        return buffers

    assert check_backward(reuses).passed


def test_lists_single_precision_and_written_arguments_pass_with_a_remark():
    def lists(params, X, h, dY):
        return {name: g.tolist() for name, g in right(params, X, h, dY).items()}

    def single(*args):
        return {name: g.astype(np.float32) for name, g in right(*args).items()}

    def writes(params, X, h, dY):
        grads = right(params, X, h, dY)
        dY *= 0
        return grads

    assert check_backward(lists).passed
    assert "single precision" in check_backward(single).message and check_backward(single).passed
    assert "writes into its argument dY" in check_backward(writes).message and check_backward(writes).passed
    assert (FIRST.error != 0).all()


def test_single_precision_does_not_hide_a_mistake():
    def single(params, X, h, dY):
        return {name: g.astype(np.float32) for name, g in BUGS["state_off_by_one"].make()(params, X, h, dY).items()}
    assert check_backward(single).kind == "state_off_by_one"


def test_unfinished_answers():
    assert check_backward(lambda params, X, h, dY: {k: 0 * p for k, p in params.items()}).kind == "not_started"
    half = changed(lambda g, *_: g.update(W_xh=0 * g["W_xh"], W_hh=0 * g["W_hh"], b_h=0 * g["b_h"]))
    report = check_backward(half)
    assert report.kind == "unfinished" and "Still zero: W_xh, W_hh, b_h." in report.message


def test_a_gradient_that_lies_on_its_side_in_another_shape():
    report = check_backward(changed(lambda g, *_: g.update(W_xh=g["W_xh"].T)))
    assert report.kind == "gradient_transposed" and report.message.endswith("It shows in: W_xh.")


def test_tensors_pass():
    torch = pytest.importorskip("torch")
    assert examine(each(lambda g, p, X, dY: torch.tensor(g))).passed
    assert "single precision" in examine(each(lambda g, p, X, dY: torch.tensor(g, dtype=torch.float32))).message
    assert examine(each(lambda g, p, X, dY: torch.tensor(g, requires_grad=True) * 1)).passed
    wanting = examine(each(lambda g, p, X, dY: torch.tensor(g, dtype=torch.float32, requires_grad=True)))
    assert wanting.passed and "single precision" in wanting.message
    wrong = examine(each(lambda g, p, X, dY: torch.tensor(g / len(X), requires_grad=True)))
    assert wrong.kind == "scale" and "1/T times" in wrong.message


class Strange:
    """Every look at it raises."""

    def __array__(self, *args, **kwargs):
        raise RuntimeError("no array")

    def __eq__(self, other):
        raise RuntimeError("no comparison")

    __hash__ = object.__hash__

    def __repr__(self):
        raise RuntimeError("no repr")

    def __getattr__(self, name):
        raise RuntimeError("no attribute")


class BadDict(dict):
    def __contains__(self, key):
        raise SystemExit("no keys")


class Speechless(Exception):
    def __str__(self):
        raise RuntimeError("no words")


def returns(value):
    return lambda params, X, h, dY: value


def with_gradient(make):
    return lambda params, X, h, dY: {**right(params, X, h, dY), "W_hh": make(params["W_hh"])}


def raises(error):
    def backward(params, X, h, dY):
        raise error
    return backward


def deep(params, X, h, dY):
    return deep(params, X, h, dY)


def drops_keys(params, X, h, dY):
    params.clear()
    return {}


RUBBISH = {
    "not_started": [
        None, ..., lambda *args: None, lambda *args: ..., raises(NotImplementedError()), with_gradient(lambda W: None),
        with_gradient(lambda W: ...),
    ],
    "not_returned": [returns(None), returns(...), lambda params, *args: params.clear()],
    "wrong_type": [
        3, "backward", {}, np.zeros(3), Strange(), returns(3), returns("grads"), returns([1, 2]), returns(Strange()),
        returns(np.zeros((2, 2))), returns(itertools.count()), returns(x for x in itertools.count()), returns(RNN),
        returns(BadDict()), with_gradient(lambda W: Strange()), with_gradient(lambda W: "W"),
        with_gradient(lambda W: itertools.count()), with_gradient(lambda W: W + 1j), with_gradient(lambda W: {"a": 1}),
        with_gradient(lambda W: [[1], [2, 3]]), with_gradient(lambda W: W.astype("datetime64[s]")),
        with_gradient(lambda W: int), with_gradient(lambda W: np.array([None, W], dtype=object)),
    ],
    "wrong_keys": [
        returns({}), returns({"W": 1}), returns({1: 2, None: 3}), drops_keys,
        changed(lambda g, *_: g.pop("b_y")),
    ],
    "wrong_shape": [
        with_gradient(lambda W: 0), with_gradient(lambda W: W[0]), with_gradient(lambda W: W[None]),
        with_gradient(lambda W: np.zeros((0, 0))), with_gradient(lambda W: []),
        changed(lambda g, *_: g.update(b_h=g["b_h"][:, None])), changed(lambda g, *_: g.update(W_xh=g["W_hy"])),
    ],
    "not_finite": [with_gradient(lambda W: W * np.nan), with_gradient(lambda W: W / 0)],
    "exception": [
        raises(ValueError("no")), raises(SystemExit(1)), raises(StopIteration()), raises(GeneratorExit()),
        raises(MemoryError()), raises(Speechless()), raises(BaseException("x")), lambda: None, lambda params: params,
        deep, lambda params, X, h, dY: 1 / 0, lambda params, X, h, dY: X @ dY, lambda params, X, h, dY: params["W_hx"],
        lambda params, X, h, dY: undefined_name, int, RNN, dict,  # noqa: F821
    ],
    "updated_params": [with_gradient(lambda W: W), with_gradient(lambda W: np.ma.masked_array(W, W > 0))],
    "not_zero": [
        with_gradient(lambda W: 1e300 * np.ones_like(W)), with_gradient(lambda W: W > 0),
        with_gradient(lambda W: 1e-300 * np.ones_like(W)), with_gradient(lambda W: np.ones(W.shape, np.int8)),
    ],
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(("kind", "i"), [(kind, i) for kind, answers in RUBBISH.items() for i in range(len(answers))])
def test_rubbish_gets_a_report_of_its_own_kind(kind, i):
    with np.errstate(all="ignore"):
        report = check_backward(RUBBISH[kind][i])
        assert report.kind == kind, report
    assert report.passed is False
    assert str(report) and repr(report) == str(report) and report._repr_html_().startswith("<div")


def test_a_user_who_interrupts_is_obeyed():
    with pytest.raises(KeyboardInterrupt):
        check_backward(raises(KeyboardInterrupt()))


def test_an_exception_comes_with_the_learners_line_and_the_sizes():
    def backward(params, X, hidden_states, dY):
        W_hh = params["W_hh"]
        return dY @ W_hh

    report = check_backward(backward)
    assert report.kind == "exception"
    assert "ValueError" in report.message and "return dY @ W_hh" in report.message
    assert "T=7, B=3, I=4, H=5, O=2" in report.message


def test_random_answers_get_a_report():
    rng = np.random.default_rng(0)
    pieces = [None, ..., 0, -1.5, "x", [], [[1.0]], np.zeros(3), np.nan, 1j, {}, (), b"", True, Strange(), object()]
    for _ in range(300):
        grads = dict(FIRST.right)
        for name in rng.choice(list(grads), rng.integers(1, 4), replace=False):
            grads[str(name)] = pieces[rng.integers(len(pieces))]
        assert check_backward(returns(grads)).passed is False


def test_the_check_can_tell_its_kinds_apart():
    """No two kinds, and nothing right, leave gradients closer than 1 % on some problem."""
    gradients = {"right": ("correct", [p.right for p in PROBLEMS])}
    for name, bug in BUGS.items():
        if bug.kind not in ("params_changed", "not_zeroed", "stale_cache"):
            gradients[name] = bug.kind, [p.answer(bug.make()) for p in PROBLEMS]
    for (kind, ours), (other_kind, theirs) in itertools.combinations(gradients.values(), 2):
        if kind != other_kind:
            assert not all(close(a[name], b[name], 0.01) for a, b in zip(ours, theirs, strict=True) for name in a)


def test_the_problems_can_show_every_kind():
    for problem in (FIRST, SHORT):
        assert len(set(problem.sizes.values())) == 5
        assert np.abs(problem.args["hidden_states"][0]).min() > 0
        assert all(np.abs(p).max() > 0.1 for p in problem.params.values())
    for k in range(1, LONG.sizes["T"]):  # errors are felt, far above the tolerance, to the very first step
        window = BUGS["carry_missing"].make() if k == 1 else functools.partial(RNN_SUBJECT.shortened[0], k)
        shortened = LONG.answer(window)
        assert not close(shortened["W_hh"], LONG.right["W_hh"], 1e-6)


# --- what got past this check, or got advice that was not true --------------------------------------------------------


def kept_between_calls(*names):
    """Some arguments of the first call with these sizes are used again by every later one."""
    kept = {}

    def backward(params, X, h, dY):
        now = {"X": X, "h": h, "dY": dY}
        old = kept.setdefault((X.shape, h.shape, dY.shape), {name: a.copy() for name, a in now.items()})
        return right(params, **{name: old[name] if name in names else a for name, a in now.items()})
    return backward


def walk_by_hand(params, X, h, dY, slope=lambda h: 1 - h**2, change=lambda carry, t: carry, start=lambda h: 0):
    """Backpropagation through time with a place for what goes wrong on the way."""
    dZ, carry = np.zeros_like(h[1:]), start(h)
    for t in reversed(range(len(X))):
        dZ[t] = (dY[t] @ params["W_hy"] + carry) * slope(h[t + 1])
        carry = change(dZ[t] @ params["W_hh"], t)
    grads = {"W_xh": (dZ, X), "W_hh": (dZ, h[:-1]), "W_hy": (dY, h[1:])}
    grads = {name: np.tensordot(a, b, axes=([0, 1], [0, 1])) for name, (a, b) in grads.items()}
    return {**grads, "b_h": dZ.sum(axis=(0, 1)), "b_y": dY.sum(axis=(0, 1))}


def walked(**parts):
    return lambda *args: walk_by_hand(*args, **parts)


def squeezed(params, X, h, dY):
    grads = right(params, X, h, dY)
    return {**grads, "b_y": dY.squeeze().sum(axis=0).sum(axis=0)}


def unpacks_what_it_squeezed(params, X, h, dY):
    T, B, H = h.squeeze().shape
    return right(params, X, h.reshape(T, B, H), dY)


def stops_after(k):
    def backward(params, X, h, dY):
        return walk_by_hand(params, X, h, dY, change=lambda carry, t: 0 if (len(X) - t) % k == 0 else carry)
    return backward


def each(change, names=("W_xh", "W_hh", "b_h", "W_hy", "b_y")):
    """Change each of these gradients by a function of the gradient, the parameter and the arguments."""
    def backward(params, X, h, dY):
        grads = right(params, X, h, dY)
        return {**grads, **{name: change(grads[name], params[name], X, dY) for name in names}}
    return backward


def central_differences(params, X, h, dY, step=1e-5):
    def loss():
        state, total = h[0], 0.0
        for x, d in zip(X, dY, strict=True):
            state = np.tanh(x @ params["W_xh"].T + state @ params["W_hh"].T + params["b_h"])
            total += (d * (state @ params["W_hy"].T + params["b_y"])).sum()
        return total

    grads = {name: np.empty_like(p) for name, p in params.items()}
    for name, p in params.items():
        for i in np.ndindex(p.shape):
            saved = p[i]
            p[i] = saved + step
            above = loss()
            p[i] = saved - step
            grads[name][i] = (above - loss()) / (2 * step)
            p[i] = saved
    return grads


def noisy(seed=0, size=0.1):
    rng = np.random.default_rng(seed)
    return each(lambda g, p, X, dY: g + size * rng.normal(size=g.shape))


def momentum(decay):
    kept = {}

    def backward(*args):
        for name, g in right(*args).items():
            kept[name] = g + (decay * kept[name] if name in kept and kept[name].shape == g.shape else 0)
        return {name: g.copy() for name, g in kept.items()}
    return backward


def recomputed(params, X, h, dY, dtype=float):
    """A right backward pass that trusts no hidden states but its own."""
    params = {name: p.astype(dtype) for name, p in params.items()}
    states = [h[0].astype(dtype)]
    for x in X.astype(dtype):
        states.append(np.tanh(x @ params["W_xh"].T + states[-1] @ params["W_hh"].T + params["b_h"]))
    return walk_by_hand(params, X.astype(dtype), np.array(states), dY.astype(dtype))


def skips_silent_steps(params, X, h, dY):
    """Steps without an error of their own are left out, as if no later error passed through them."""
    loud = dY.any(axis=(1, 2))
    return walk_by_hand(params, X[loud], np.concatenate([h[:1], h[1:][loud]]), dY[loud]) if loud.any() else {
        name: 0 * p for name, p in params.items()}


def ends_at_a_silent_step(params, X, h, dY):
    grads, carry = {name: 0 * p for name, p in params.items()}, 0
    for t in reversed(range(len(X))):
        if not dY[t].any():
            break
        step = right(params, X[t : t + 1], h[t : t + 2], dY[t : t + 1])
        dz = (dY[t] @ params["W_hy"] + carry) * (1 - h[t + 1] ** 2)
        step |= {"W_xh": dz.T @ X[t], "W_hh": dz.T @ h[t], "b_h": dz.sum(axis=0)}
        grads = {name: g + step[name] for name, g in grads.items()}
        carry = dz @ params["W_hh"]
    return grads


def ends_without_a_carry(params, X, h, dY):
    grads, carry = right(params, X, h, dY), 0
    for t in reversed(range(len(X))):
        carry = (dY[t] @ params["W_hy"] + carry) * (1 - h[t + 1] ** 2) @ params["W_hh"]
        if not carry.any():
            rest = right(params, X[t:], h[t:], dY[t:])
            return {**grads, **{name: rest[name] for name in HIDDEN}}
    return grads


def masked(params, X, h, dY):
    """A sequence's carry is lost at each step where the sequence has no error."""
    return walk_by_hand(params, X, h, dY, change=lambda carry, t: carry * dY[t].any(axis=-1, keepdims=True))


def kept_by_shape(name):
    """Something that is made of one call's arguments is kept for all calls with an array of that shape."""
    kept = {}

    def backward(params, X, h, dY):
        if name in params:
            old = kept.setdefault(params[name].shape, params[name].copy())
            return right({**params, name: old}, X, h, dY)
        slopes = kept.setdefault(h.shape, 1 - h[1:] ** 2)
        return walk_by_hand(params, X, h, dY, slope=lambda state: slopes[
            next(t for t in range(len(X)) if state is not None and np.array_equal(h[t + 1], state))])
    return backward


def remembered_by_shape():
    kept = {}
    return lambda params, X, h, dY: kept.setdefault((X.shape, dY.shape), right(params, X, h, dY))


def squares_in_place(params, X, h, dY):
    squares = h[1:]
    squares **= 2
    return right(params, X, h, dY)


def columns_of_another_matrix(params, X, h, dY):
    """The carry goes through the first columns of the joined matrix [W_xh W_hh]."""
    both = np.concatenate([params["W_xh"], params["W_hh"]], axis=1)[:, : len(params["W_hh"])]
    walk = right({**params, "W_hh": both}, X, h, dY)
    return {**walk, "W_hy": right(params, X, h, dY)["W_hy"]}


def wrong_for_one_step(params, X, h, dY):
    grads = right(params, X, h, dY)
    return grads if len(X) > 1 else {**grads, "W_hh": 0 * grads["W_hh"]}


def last_carry_without_slope(params, X, h, dY):
    return walk_by_hand(params, X, h, dY, change=lambda carry, t: (
        carry if t < len(X) - 1 else dY[-1] @ params["W_hy"] @ params["W_hh"]))


def every_second_call_negated():
    calls = itertools.count()
    return lambda *args: {name: g * (-1) ** next(calls) for name, g in right(*args).items()}


HIDDEN = ("W_xh", "W_hh", "b_h")
FACTOR_ALONE = "Each of them is a number times the right one"


@pytest.mark.parametrize(("backward", "kind", "words"), [
    (kept_between_calls("X"), "stale_cache", "the first call's X."),
    (kept_between_calls("h"), "stale_cache", "the first call's hidden_states."),
    (kept_between_calls("X", "h"), "stale_cache", "the first call's X and hidden_states."),
    (kept_between_calls("X", "h", "dY"), "stale_cache", "the first call's X and hidden_states and dY."),
    (walked(change=lambda carry, t: np.where(np.abs(carry) < 1e-6, 0, carry)), "small_lost", "gets lost"),
    (walked(change=lambda carry, t: carry if np.abs(carry).max() > 1e-4 else 0 * carry), "small_lost", "threshold"),
    (lambda params, X, h, dY: right(params, X, h, np.where(np.abs(dY) < 1e-8, 0, dY)), "small_lost", "gets lost"),
    (each(lambda g, p, X, dY: np.round(g, 4)), "small_lost", "rounding"),
    (squeezed, "bias_summed_over_units", "b_y. It was called with T=7, B=1"),
    (unpacks_what_it_squeezed, "exception", "It was called with T=7, B=1"),
    (stops_after(100), "truncated", "covers 100 steps"), (stops_after(105), "truncated", "covers 105 steps"),
    (walked(start=np.ones_like), "exception", ""),
    (walked(start=lambda h: np.ones_like(h[0])), "carry_start", "starts from something"),
    (walked(start=lambda h: h[-1]), "carry_start", "starts from something"),
    (walked(start=lambda h: 0.5 + h[0]), "not_zero", "what the carry and the sums start from"),
    (walked(change=lambda carry, t: carry + 1e-3), "not_zero", "a term without dY"),
    (walked(change=lambda carry, t: -carry), "carry_negated", "wrong sign"),
    (each(lambda g, p, X, dY: g + 1e-4 * p), "weight_decay", "It is 0.0001 times"),
    (each(lambda g, p, X, dY: g + 0.01 * p, ("W_hh",)), "weight_decay", "It shows in: W_hh."),
    (walked(slope=lambda h: 1 - h**2 + 1e-6), "unknown", "The errors are small"),
    (walked(slope=lambda h: 1 - h**2 + 1e-5), "unknown", "The errors are small"),
    (each(lambda g, p, X, dY: 1.00005 * g), "scale", "is 1.00005 times"),
    (central_differences, "numerical", "a good check of a backward pass"),
    (lambda *args: central_differences(*args, step=1e-3), "numerical", "Walk back once"),
    (each(lambda g, p, X, dY: g / len(X), ("b_h",)), "unknown", FACTOR_ALONE),
    (each(lambda g, p, X, dY: g / len(X), HIDDEN), "unknown", FACTOR_ALONE),
    (each(lambda g, p, X, dY: g / len(X[0]), ("b_h", "b_y")), "unknown", FACTOR_ALONE),
    (lambda *args: (grads := right(*args)) | {"b_h": grads["W_xh"].sum(axis=1)}, "unknown", "so is the walk back"),
    (walked(slope=lambda h: 0 * h), "unfinished", "no error ever enters"),
    (walked(slope=lambda h: 1 + h**2), "wrong_derivative", "not the derivative of tanh"),
    (walked(slope=lambda h: 1 / (1 - h**2)), "wrong_derivative", "not the derivative of tanh"),
    (noisy(), "random", "a random number"),
    (momentum(0.9), "not_repeatable", "survives"), (momentum(0.5), "not_repeatable", "survives"),
    (every_second_call_negated(), "not_repeatable", "survives"),
    (each(lambda g, p, X, dY: p - 0.01 * g), "updated_params", "optimiser's"),
    (each(lambda g, p, X, dY: np.sign(g)), "unknown", "Twice the error does not give twice"),
    (lambda params, X, h, dY: right(params, X, h, dY**2), "unknown", "Twice the error does not give twice"),
    (each(lambda g, p, X, dY: g + 0.1 * g**2), "not_linear", "the wronger the larger"),
    (each(lambda g, p, X, dY: g.astype(np.float16)), "not_finite", "65504"),
    (skips_silent_steps, "gaps", "a loss of the last step"), (ends_at_a_silent_step, "gaps", "ends the loop"),
    (masked, "gaps", "unequal lengths"), (ends_without_a_carry, "gaps", "ends the loop"),
    (walked(change=lambda carry, t: np.where(np.abs(carry) < 1e-14, 0, carry)), "small_lost", "gets lost"),
    (walked(slope=lambda h: 1 - np.clip(h, -0.999, 0.999) ** 2), "unknown", "wrong on those with T=5, B=4"),
    (walked(slope=lambda h: np.maximum(1 - h**2, 1e-3)), "unknown", "such as a limit"),
    (wrong_for_one_step, "unknown", "wrong on those with T=1, B=1"),
    (kept_by_shape("W_hh"), "stale_cache", "with other data and other parameters"),
    (kept_by_shape("W_hy"), "stale_cache", "with other data and other parameters"),
    (kept_by_shape("slopes"), "stale_cache", "the first was right"),
    (remembered_by_shape(), "stale_cache", "the first call's X and hidden_states and dY."),
    (lambda params, X, h, dY: right(params, X, np.concatenate([0 * h[:1], h[1:]]), dY), "state_off_by_one",
     "leaves out the first step, where h_{t-1} is the initial state"),
    (walked(change=lambda carry, t: np.clip(np.where(np.abs(carry) < 1e-15, 0, carry), -1e4, 1e4)), "unknown",
     "how large or how small dY is"),
    (squares_in_place, "unknown", "It writes into its argument hidden_states"),
    (columns_of_another_matrix, "unknown", "it is right for n = 1 only: look at what is different at the other steps"),
    (last_carry_without_slope, "unknown", "it is right for n = 1 to 6 only: look at what passes"),
    (each(lambda g, p, X, dY: g * (1 + 1e-8)), "scale", "is 1.00000001 times"),
    (each(lambda g, p, X, dY: g + 1), "not_zero", "the sums start from"),
    (lambda *args: right(*args) | {"b_h": (args[3] @ args[0]["W_hy"] * (1 - args[2][1:] ** 2)).sum(axis=(0, 1))},
     "carry_missing", "W_xh shows that the walk back is right"),
])
def test_what_once_got_past_the_check_or_was_told_something_false(backward, kind, words):
    report = examine(backward)
    assert report.kind == kind and words in report.message, report


@pytest.mark.parametrize(("backward", "remark"), [
    (lambda *args: types.MappingProxyType(right(*args)), ""),
    (each(lambda g, p, X, dY: g.squeeze() if g.shape == (1,) else g), "b_h is a bare number"),
    (each(lambda g, p, X, dY: g + 0j), "the gradient of W_xh is complex"),
    (lambda *args: {**right(*args), "h0": None, 3: "x"}, "no parameter is called h0, 3"),
    (each(lambda g, p, X, dY: g.astype(np.float32), HIDDEN), "single precision"),
    (recomputed, ""), (lambda *args: recomputed(*args, dtype=np.float32), "single precision"),
    (lambda params, X, h, dY: right({k: p.astype("f") for k, p in params.items()}, X.astype("f"), h.astype("f"),
                                    dY.astype("f")), "single precision"),
    (lambda params, X, h, dY: right(params, X.astype("f"), h.astype("f"), dY), "single precision"),
])
def test_harmless_habits_pass_with_a_remark(backward, remark):
    report = examine(backward)
    assert report.passed and remark in report.message and ("One remark" in report.message) == bool(remark), report


@pytest.mark.parametrize(("change", "text"), [
    (lambda g, *_: [g.pop(name) for name in ("W_xh", "b_y")], "Not yet: no gradient for W_xh, b_y."),
    (lambda g, *_: g.update(b_h=g["b_h"][:, None], b_y=np.ones(9)),
     "Not yet: a gradient has the shape of its parameter.\n  gradient of  expected  got\n"),
    (lambda g, *_: g.update(b_h=g["b_h"][::-1], W_hy=2 * g["W_hy"]),
     "Not yet: wrong for b_h, W_hy, and not by one mistake that this check knows."),
])
def test_how_a_report_begins(change, text):
    assert str(check_backward(changed(change))).startswith(text)


def test_the_head_of_the_table_of_an_unknown_mistake():
    assert check_backward(changed(lambda g, *_: g.update(b_h=g["b_h"][::-1]))).table[0] == ("gradient of", "")
