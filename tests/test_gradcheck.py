"""check_gradients accepts what is right, rejects what is wrong, and changes nothing."""

import copy
import itertools
import warnings

import numpy as np
import pytest

from rnn_lib import GRU, LSTM, MLP, RNN
from rnn_lib.bugs import BUGS, KINDS, BuggyRNN, right
from rnn_lib.gradcheck import GradientReport, check_direction, check_gradients, numerical_gradients
from rnn_lib.gradcheck.comparison import relative_errors
from rnn_lib.losses import cross_entropy_loss, mse_loss
from rnn_lib.optim import SGD
from rnn_lib.training import fit

SHAPES = [(6, 3, 2, 4, 5), (9, 1, 3, 5, 2)]  # T, B, I, H, O


def data(T, B, I, H, O, seed=0):
    rng = np.random.default_rng(seed)
    target = rng.normal(size=(T, B, O))
    return rng.normal(size=(T, B, I)), lambda Y: mse_loss(Y, target)


@pytest.mark.parametrize("shape", [*SHAPES, (1, 1, 1, 1, 1), (40, 2, 1, 8, 1), (120, 1, 1, 6, 1)])
@pytest.mark.parametrize("method", ["complex", "central"])
def test_accepts_the_rnn(shape, method):
    T, B, I, H, O = shape
    report = check_gradients(RNN(I, H, O, seed=3), *data(*shape), method=method)
    assert report.passed and report.wrong == [] and "precision" not in str(report)
    assert report.tolerance == (1e-12 if method == "complex" else 1e-6)


@pytest.mark.parametrize("Model", [LSTM, GRU])
def test_accepts_the_gated_models(Model):
    model, (X, loss_fn) = Model(2, 4, 5, seed=3), data(*SHAPES[0])
    report = check_gradients(model, X, loss_fn)
    assert report.passed and "from a zero and a non-zero initial state" in str(report)
    assert check_direction(model, X, loss_fn).passed


@pytest.mark.parametrize("Model, broken", [
    (LSTM, lambda grads, model: grads["W_hh"][model.gate_rows("f")]), (LSTM, lambda grads, model: grads["b_h"][3:4]),
    (GRU, lambda grads, model: grads["b_hh"][model.gate_rows("n")])])
def test_rejects_a_gated_model_with_a_wrong_gate(Model, broken):
    class Wrong(Model):
        def backward(self, dY):
            grads = super().backward(dY)
            part = broken(grads, self)
            part *= 1.001
            return grads

    model, (X, loss_fn) = Wrong(2, 4, 5), data(*SHAPES[0])
    assert not check_gradients(model, X, loss_fn).passed
    assert not check_direction(model, X, loss_fn).passed


ONE_OF_EACH_KIND = {bug.kind: name for name, bug in BUGS.items()}.values()


@pytest.mark.parametrize(("name", "method", "shape"), [
    *[(name, "complex", SHAPES[0]) for name in BUGS],
    *[(name, "central", (9, 1, 1, 2, 1)) for name in ONE_OF_EACH_KIND],
])
def test_rejects_every_bug_of_the_clinic(name, method, shape):
    T, B, I, H, O = shape
    with warnings.catch_warnings(record=True) as seen:  # of an overflow that the check should keep to itself
        warnings.simplefilter("always")
        report = check_gradients(BuggyRNN(name, I, H, O), *data(*shape), method=method)
    assert not report.passed and report.wrong and not seen
    assert "not finite" not in str(report)


@pytest.mark.parametrize("pair", list(itertools.combinations(
    ["W_hh_untransposed", "double_tanh", "state_off_by_one", "scale", "not_zeroed"], 2)))
def test_rejects_two_bugs_at_once(pair):
    first, second = (BUGS[name].make() for name in pair)

    class Both(RNN):
        def backward(self, dY):
            args = self.params, self.inputs, self.hidden_states, dY
            return {name: a + b for (name, a), b in zip(first(*args).items(), second(*args).values(), strict=True)}

    assert not check_gradients(Both(2, 4, 5), *data(*SHAPES[0])).passed


def test_the_healthy_patient_is_right():
    class Healthy(RNN):
        def backward(self, dY):
            return right(self.params, self.inputs, self.hidden_states, dY)
    assert check_gradients(Healthy(2, 4, 5), *data(*SHAPES[0])).passed


def test_every_bug_has_a_kind_a_sentence_and_advice():
    for name, bug in BUGS.items():
        assert bug.name == name and bug.kind in KINDS
        assert bug.sentence.endswith(".") and "\n" not in bug.sentence
    assert {bug.kind for bug in BUGS.values()} == set(KINDS)


@pytest.mark.parametrize("name", BUGS)
def test_a_buggy_rnn_trains_saves_and_loads(name, tmp_path):
    model = BuggyRNN(name, 1, 3, 1)
    rng = np.random.default_rng(0)
    history = fit(model, rng.normal(size=(6, 4, 1)), rng.normal(size=(6, 4, 1)), SGD(model.params, lr=0.01), epochs=2,
                  batch_size=2, verbose=False)
    assert len(history.loss) == 2
    model.save(tmp_path / "model.npz")
    loaded = BuggyRNN.load(tmp_path / "model.npz")
    assert loaded.bug.name == name and all(np.array_equal(loaded.params[k], p) for k, p in model.params.items())


def test_two_buggy_models_share_no_memory():
    X, loss_fn = data(*SHAPES[0])
    grads = []
    for model in (BuggyRNN("not_zeroed", 2, 4, 5), BuggyRNN("not_zeroed", 2, 4, 5)):
        grads.append(model.backward(loss_fn(model.forward(X))[1]))
    assert all(np.array_equal(grads[0][k], grads[1][k]) for k in grads[0])


def test_complex_step_agrees_to_machine_precision_and_central_to_nine_digits():
    X, loss_fn = data(*SHAPES[0])
    model = RNN(2, 4, 5)
    grads = model.backward(loss_fn(model.forward(X))[1])
    for method, limit in {"complex": 1e-14, "central": 1e-8}.items():
        numerical = numerical_gradients(model, X, loss_fn, method)
        for name, g in grads.items():
            assert np.abs(g - numerical[name]).max() <= limit * np.abs(g).max()
    rough = numerical_gradients(model, X, loss_fn, "central", step=0.1)
    assert 1e-5 < np.abs(rough["W_hh"] - grads["W_hh"]).max() < 1e-2


def test_the_gradient_starts_from_the_given_state():
    X, loss_fn = data(*SHAPES[0])
    model = RNN(2, 4, 5)
    state = np.full((3, 4), 0.7)
    grads = model.backward(loss_fn(model.forward(X, state))[1])
    numerical = numerical_gradients(model, X, loss_fn, state=state)
    assert np.allclose(numerical["W_hh"], grads["W_hh"], rtol=1e-13)
    assert not np.allclose(numerical["W_hh"], numerical_gradients(model, X, loss_fn)["W_hh"], rtol=1e-3)


def test_the_model_is_left_alone():
    X, loss_fn = data(*SHAPES[0])
    model = RNN(2, 4, 5)
    model.forward(X)
    arrays = {name: (p, p.copy()) for name, p in model.params.items()}
    states = model.hidden_states
    before = copy.deepcopy(vars(model))
    for method in ("complex", "central"):
        check_gradients(model, X[::-1], loss_fn, method)
        numerical_gradients(model, X, loss_fn, method)
    for name, (array, values) in arrays.items():
        assert model.params[name] is array and array.dtype == float and np.array_equal(array, values)
    assert model.hidden_states is states and vars(model).keys() == before.keys()


def test_nothing_that_is_not_a_number_passes():
    for bad in (np.nan, np.inf, -np.inf):
        class Bad(RNN):
            def backward(self, dY, bad=bad):
                grads = super().backward(dY)
                grads["b_h"][0] = bad
                return grads
        report = check_gradients(Bad(2, 4, 5), *data(*SHAPES[0]))
        assert report.wrong == ["b_h"] and "not finite" in str(report)
    model = RNN(2, 4, 5)
    model.params["W_hh"][0, 0] = np.nan
    with pytest.raises(ValueError, match="finite"):
        check_gradients(model, *data(*SHAPES[0]))


def test_relative_error():
    one = {"w": np.array([1.0, 0.0])}

    def error(a, n):
        return relative_errors({"w": np.array(a)}, {**one, "w": np.array(n)}, 1e-12)["w"]
    assert error([0.0, 0.0], [0.0, 0.0]) == 0
    assert error([1.0, 0.0], [0.0, 0.0]) == error([0.0, 0.0], [1.0, 0.0]) == 1
    assert error([1.0, 2.0], [1.0, 3.0]) == error([1.0, 3.0], [1.0, 2.0]) == pytest.approx(1 / 3)
    assert error([1.0, 1e-16], [1.0, 0.0]) == 0
    assert error([1.0, 1e-3], [1.0, 0.0]) == pytest.approx(1e-3)
    both = {"large": np.array([1.0]), "small": np.array([0.0])}
    assert relative_errors({**both, "small": np.array([9e-15])}, both, 1e-12)["small"] == 0
    assert relative_errors({**both, "small": np.array([2e-14])}, both, 1e-12)["small"] == 1
    assert error([np.nan, 0.0], [1.0, 0.0]) == error([1.0, 0.0], [np.nan, 0.0]) == error([np.inf], [np.inf]) == np.inf


def test_stale_state_shows_whatever_comes_first():
    class Stale(RNN):
        """Right as long as the data stay the same."""

        def backward(self, dY):
            h = self.hidden_states
            if getattr(self, "first_h", None) is None or self.first_h.shape != h.shape:
                self.first_h = h
            return right(self.params, self.inputs, self.first_h, dY)

    assert "W_hh" in check_gradients(Stale(2, 4, 5), *data(*SHAPES[0])).wrong


def test_near_zero_weights_do_not_hide_a_missing_tanh():
    X, loss_fn = data(*SHAPES[0])
    model = BuggyRNN("double_tanh", 2, 4, 5)
    for p in model.params.values():
        p *= 1e-9
    report = check_gradients(model, X, loss_fn)
    assert not report.passed
    assert max(report.errors["own weights"].values()) < 1e-12 < report.errors["order-one weights"]["W_hh"]


def test_only_a_non_zero_initial_state_shows_that_it_is_left_out():
    report = check_gradients(BuggyRNN("initial_state_left_out", 2, 4, 5), *data(*SHAPES[0]))
    assert report.wrong == ["W_hh"]


class StateInTwoParts:
    """A state of two arrays, as an LSTM's."""

    def forward(self, X, state=None):
        return super().forward(X, state if state is None else state[0] + state[1])

    @property
    def state(self):
        return super().state, np.zeros(super().state.shape)


def test_a_state_may_have_two_parts():
    right = type("Right", (StateInTwoParts, RNN), {})
    wrong = type("Wrong", (StateInTwoParts, BuggyRNN), {})
    assert check_gradients(right(2, 4, 5), *data(*SHAPES[0])).passed
    assert check_gradients(wrong("initial_state_left_out", 2, 4, 5), *data(*SHAPES[0])).wrong == ["W_hh"]


def test_the_shape_of_a_state_that_is_not_shown_is_found():
    class Closed(BuggyRNN):
        state = property()  # raises AttributeError

    assert check_gradients(Closed("initial_state_left_out", 2, 4, 5), *data(*SHAPES[0])).wrong == ["W_hh"]


@pytest.mark.parametrize("where", ["forward", "backward"])
def test_a_call_that_changes_the_parameters_is_reported(where):
    class Changing(RNN):
        def change(self):
            self.params["b_y"] += 0.1

        def forward(self, X, state=None):
            Y = super().forward(X, state)
            if where == "forward":
                self.change()
            return Y

        def backward(self, dY):
            grads = super().backward(dY)
            if where == "backward":
                self.change()
            return grads

    report = check_gradients(Changing(2, 4, 5), *data(*SHAPES[0]))
    assert not report.passed
    assert "A call of forward and backward changes b_y." in report.message


class PlainRNN:
    """As a learner may write it: lists, no inheritance, parameters also under their own names."""

    def __init__(self, dtype=None):
        rng = np.random.default_rng(0)
        self.W_xh, self.W_hh, self.W_hy = rng.normal(size=(4, 2)), rng.normal(size=(4, 4)), rng.normal(size=(5, 4))
        self.dtype = dtype

    @property
    def params(self):
        return {"W_xh": self.W_xh, "W_hh": self.W_hh, "W_hy": self.W_hy}

    def forward(self, X):
        T, B, _ = X.shape
        h = np.zeros((T + 1, B, 4), dtype=self.dtype or self.W_hh.dtype)
        for t in range(T):
            h[t + 1] = np.tanh(X[t] @ self.W_xh.T + h[t] @ self.W_hh.T)
        self.X, self.h = X, h
        return h[1:] @ self.W_hy.T

    def backward(self, dY):
        params = {**self.params, "b_h": np.zeros(4), "b_y": np.zeros(5)}
        grads = right(params, self.X, self.h, dY)
        return {name: grads[name] for name in self.params}


def test_a_learners_own_class():
    X, loss_fn = data(*SHAPES[0])
    assert check_gradients(PlainRNN(), X, loss_fn).passed
    assert check_gradients(PlainRNN(dtype=float), X, loss_fn, method="central").passed


@pytest.mark.filterwarnings("error")
def test_a_forward_pass_that_drops_imaginary_parts_is_told_so():
    X, loss_fn = data(*SHAPES[0])
    advice = r'drops imaginary parts \(.*\)\. .*np\.zeros are real.*\. Mend that, or use method="central"$'
    with pytest.raises(ValueError, match=advice):
        numerical_gradients(PlainRNN(dtype=float), X, loss_fn)
    report = check_gradients(PlainRNN(dtype=float), X, loss_fn)
    assert report.passed and report.tolerance == 1e-6
    assert "does not apply: forward drops imaginary parts (" in str(report) and "np.zeros" in str(report)
    with pytest.raises(ValueError, match=r"\(the loss came back real\)"):
        numerical_gradients(RNN(2, 4, 5), X, lambda Y: (loss_fn(Y)[0].real, None))
    with pytest.raises(ValueError, match="drops imaginary parts"):
        numerical_gradients(RNN(2, 4, 5), X, lambda Y: (float(loss_fn(Y)[0]), None))


class Linear:
    """A feed-forward model: (B, I) in, no state."""

    def __init__(self):
        self.params = {"W": np.ones((3, 2)), "b": np.zeros(3)}

    def forward(self, X):
        self.X = X
        return X @ self.params["W"].T + self.params["b"]

    def backward(self, dY):
        return {"W": dY.T @ self.X, "b": dY.sum(axis=0)}


@pytest.mark.parametrize(("loss_fn", "error", "words"), [
    (mse_loss, TypeError, "missing 1 required positional argument: 'target'"),
    (lambda Y: cross_entropy_loss(Y, np.zeros((3, 2))), TypeError, "labels: expected whole numbers, got dtype float64"),
    (lambda Y: mse_loss(Y, np.zeros((3, 2, 2)))[0], TypeError, "loss_fn: expected .loss, dLoss/dY., .* got float64"),
])
def test_a_loss_that_cannot_work_says_its_own_reason(loss_fn, error, words):
    for method in ("complex", "central"):
        with pytest.raises(error, match=words) as caught:
            check_gradients(RNN(2, 3, 2), np.ones((3, 2, 2)), loss_fn, method)
        assert "imaginary" not in str(caught.value)


def test_a_feed_forward_model():
    rng = np.random.default_rng(0)
    target = rng.normal(size=(4, 3))
    report = check_gradients(Linear(), rng.normal(size=(4, 2)), lambda Y: mse_loss(Y, target))
    assert report.passed


def test_params_that_cannot_be_moved_are_refused():
    class NewAtEveryLook(Linear):
        params = property(lambda self: {"W": np.ones((3, 2)), "b": np.zeros(3)}, lambda self, value: None)

    with pytest.raises(TypeError, match="^model: expected params to be a dict of arrays, got a new W at every look$"):
        check_gradients(NewAtEveryLook(), np.ones((4, 2)), lambda Y: mse_loss(Y, np.zeros((4, 3))))


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_the_mlp(activation):
    rng = np.random.default_rng(0)
    target = rng.normal(size=(4, 3))
    model = MLP(2, (5,), 3, activation=activation)
    assert check_gradients(model, rng.normal(size=(4, 2)), lambda Y: mse_loss(Y, target)).passed


@pytest.mark.parametrize("scale", [1e-3, 10, 30])
def test_large_inputs_that_saturate_tanh_are_no_false_alarm(scale):
    rng = np.random.default_rng(0)
    for seed in range(10):
        T, B, I, H, O = rng.integers(1, [12, 4, 4, 5, 4])
        X, loss_fn = data(T, B, I, H, O, seed)
        assert check_gradients(RNN(I, H, O, seed=seed), scale * X, loss_fn).passed


def test_a_float32_model_is_checked_in_float64():
    model = RNN(2, 4, 5, dtype=np.float32)
    assert check_gradients(model, *data(*SHAPES[0])).passed
    assert model.params["W_hh"].dtype == np.float32


def test_bad_arguments_are_named():
    X, loss_fn = data(*SHAPES[0])
    model = RNN(2, 4, 5)
    for call, word in [
        (lambda: numerical_gradients(model, X, loss_fn, "exact"), "method"),
        (lambda: numerical_gradients(model, X, loss_fn, step=0), "step"),
        (lambda: check_gradients(model, X, loss_fn, tolerance=-1), "tolerance"),
        (lambda: check_gradients(model, X, loss_fn, seed=0.5), "seed"),
        (lambda: check_gradients(model, X[..., :1], loss_fn), "X"),
    ]:
        with pytest.raises((TypeError, ValueError), match=word):
            call()


@pytest.mark.parametrize(("grads", "message"), [
    ([1, 2], "backward: expected a dict"), ({"W": np.ones((3, 2))}, "backward: expected a dict.* keys W, b, got"),
    ({"W": np.ones((2, 3)), "b": np.zeros(3)}, r"gradient of W: expected shape \(3, 2\), got \(2, 3\)"),
    ({"W": np.ones((3, 2)), "b": None}, "gradient of b: expected an array"),
])
def test_gradients_of_another_form_are_named(grads, message):
    model = Linear()
    model.backward = lambda dY: grads
    with pytest.raises((TypeError, ValueError), match=message):
        check_gradients(model, np.ones((4, 2)), lambda Y: mse_loss(Y, np.zeros((4, 3))))


def test_the_report_reads_the_same_everywhere():
    errors = {"own weights": {"W": 3e-16, "b": 0.12345}, "order-one weights": {"W": None, "b": 6e-8}}
    report = GradientReport(errors, 1e-12, ("It is b.",), ("Not tested here: W.",))
    assert str(report) == "\n".join([
        "Wrong: the gradient of b is not the derivative of the loss. It is b.",
        "  relative error  own weights  order-one weights",
        "  W               < 1e-12      untested           right",
        "  b               0.12         6e-08              WRONG",
        "Not tested here: W.",
    ])
    assert report.show(np.inf) == report.show(np.nan) == "not finite"
    html = report._repr_html_()
    assert "<b>Wrong:</b>" in html and "&lt; 1e-12" in html and "#D55E00" in html and "Not tested here" in html
    fine = GradientReport({"own weights": {"W": 0.0}}, 1e-12)
    assert str(fine).startswith("Right: every gradient agrees with the derivative of the loss within 1e-12.")
    assert "#009E73" in fine._repr_html_()


def test_no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_gradients(RNN(2, 4, 5), *data(*SHAPES[0]))


def test_central_differences_that_are_all_zero_warn_of_nothing():
    model, X = RNN(2, 4, 3), data(6, 3, 2, 4, 3)[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = check_gradients(model, X, lambda Y: (1e6 + 1e-12 * Y.sum(), np.full_like(Y, 1e-12)), method="central")
    assert report.passed and "Not tested here: the gradient of W_xh at own weights, which rounding hides" in str(report)


BALANCED = np.arange(48).reshape(8, 6) % 3


@pytest.mark.parametrize("seed", range(4))
def test_terms_that_cancel_are_no_mistake(seed):
    """With balanced labels and tiny weights the gradient of b_y is what rounding leaves of a sum of large terms."""
    model = RNN(2, 4, 3, seed=seed)
    for p in model.params.values():
        p *= 1e-5
    X = np.random.default_rng(seed).normal(size=(8, 6, 2))
    report = check_gradients(model, X, lambda Y: cross_entropy_loss(Y, BALANCED))
    assert report.passed and "the gradient of b_y at own weights, which rounding hides" in str(report)


class Trembling(RNN):
    """Its gradient of b_y is never the same: that is no rounding."""

    dice = np.random.default_rng(0)

    def backward(self, dY):
        grads = super().backward(dY)
        return grads | {"b_y": grads["b_y"] * (1 + 1e-9 * self.dice.normal(size=self.output_size))}


def test_a_backward_that_trembles_is_wrong():
    assert check_gradients(Trembling(2, 4, 5), *data(*SHAPES[0])).wrong == ["b_y"]


class FailsLater(RNN):
    """Wrong from the first call, and from the third call on it fails."""

    calls = 0

    def backward(self, dY):
        self.calls += 1
        if self.calls > 2:
            raise RuntimeError("no more")
        return {name: 2 * g for name, g in super().backward(dY).items()}


def test_a_wrong_backward_that_fails_later_is_wrong():
    report = check_gradients(FailsLater(2, 4, 5), *data(*SHAPES[0]))
    assert not report.passed and "fails (no more)" in str(report)
