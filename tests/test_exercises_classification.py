"""The checks of notebook 07's exercises: right answers pass in any style, classic mistakes get their name."""

import numpy as np
import pytest

from rnn_lib import RNN, data, exercises
from rnn_lib.losses import cross_entropy_loss, last_step, softmax
from rnn_lib.optim import SGD, Adam
from rnn_lib.training import fit


def stub(*args):
    ...


def boom(*args):
    raise KeyError("boom")


class Odd:
    def __array__(self, *args, **kwargs):
        raise RuntimeError("no")


def columns(z):
    e = np.exp(np.moveaxis(z, -1, 0) - np.moveaxis(z, -1, 0).max(axis=0))
    return np.moveaxis(e / e.sum(axis=0), 0, -1)


def by_jacobian(p, dp):
    return np.stack([(np.diag(row) - np.outer(row, row)) @ d for row, d in zip(p, dp, strict=True)])


def by_loop(p, dp):
    dz = np.zeros_like(p)
    for b in range(len(p)):
        for i in range(p.shape[1]):
            for j in range(p.shape[1]):
                dz[b, j] += dp[b, i] * p[b, i] * ((i == j) - p[b, j])
    return dz.tolist()


def at_last_step(logits, labels):
    d = np.zeros_like(logits)
    d[-1] = softmax(logits[-1])
    d[-1, np.arange(len(labels)), labels] -= 1
    return d / len(labels)


AT_THE_END = last_step(cross_entropy_loss)
PUSHES = {"cross-entropy": -0.9, "squared error": -0.162}


def by_heart(optimizer=Adam, lr=0.01, epochs=120, loss_fn=AT_THE_END, judge=None):
    """A test that trains, and then says what `judge(model, X, labels, history)` says: by default, all right."""

    def learns_by_heart(model, X, labels):
        history = fit(model, X, labels, optimizer(model.params, lr=lr), loss_fn=loss_fn, epochs=epochs, verbose=False)
        return judge(model, X, labels, history) if judge else all_right(model, X, labels)

    return learns_by_heart


def all_right(model, X, labels):
    return (model.forward(X)[-1].argmax(axis=-1) == labels).all()


def on_its_own(model, X, labels):
    return by_heart()(RNN(4, 16, 4), X, labels)


RIGHT = [
    (exercises.check_pushes, PUSHES),
    (exercises.check_pushes, {"squared error": np.float32(-0.162), "cross-entropy": 0.1 - 1}),
    (exercises.check_learns_by_heart, by_heart()),
    (exercises.check_learns_by_heart, by_heart(SGD, 0.5, 500)),
    (exercises.check_learns_by_heart, by_heart(judge=lambda m, X, y, h: h.loss[-1] < 0.1)),
    (exercises.check_learns_by_heart, by_heart(judge=lambda m, X, y, h: int(all_right(m, X, y)))),
    (exercises.check_softmax, lambda z: softmax(z.astype(np.float32)).astype(np.float32)),
    (exercises.check_softmax_gradient, lambda p, dp: np.asarray(by_jacobian(p, dp), dtype=np.float32)),
    (exercises.check_softmax_gradient, lambda p, dp: p * (dp - np.einsum("bc,bc->b", p, dp)[:, None])),
    (exercises.check_softmax, softmax), (exercises.check_softmax, columns),
    (exercises.check_softmax_gradient, by_jacobian), (exercises.check_softmax_gradient, by_loop),
    (exercises.check_last_real_gradient, lambda *given: at_the_real_end(*given)),
    (exercises.check_last_real_gradient, lambda z, y, n: last_step(cross_entropy_loss)(
        z, y, np.arange(len(z))[:, None] < n)[1]),
]


@pytest.mark.parametrize("check, answer", RIGHT)
def test_right_answers_pass(check, answer):
    report = check(answer)
    assert report.passed, report
    assert str(report).startswith("Correct") and "<div" in report._repr_html_()


def in_place(z):
    z -= z.max(axis=-1, keepdims=True)
    return e(z) / e(z).sum(axis=-1, keepdims=True)


def e(z):
    return np.exp(z)


def shifted(z):
    return e(z - z.max(axis=-1, keepdims=True))


def at_the_real_end(z, y, lengths, late=0, scale=1.0, p=softmax):
    """Exercise 5, with room for mistakes: `late` steps too late, from p of the logits."""
    d, last = np.zeros_like(z), (np.asarray(lengths) - 1 + late) % len(z)
    for b, t in enumerate(last):
        d[t, b] = scale * (p(z[t, b]) - np.eye(z.shape[-1])[y[b]]) / len(y)
    return d


def columns_of_every_row(z, y, lengths):
    d, ends = np.zeros_like(z), (lengths - 1, np.arange(len(y)))
    p = softmax(z[ends])
    p[:, y] -= 1
    d[ends] = p / len(y)
    return d


def ones_at_the_real_end(z, y, lengths):
    d = np.zeros_like(z)
    d[lengths - 1, np.arange(len(y)), y] = 1 / len(y)
    return d


def index_of_steps_alone(z, y, lengths):
    d, each = np.zeros_like(z), np.arange(len(y))
    d[lengths - 1] = (softmax(z[lengths - 1, each]) - np.eye(z.shape[-1])[y]) / len(y)
    return d


def both_indices_of_steps_alone(z, y, lengths):
    d = np.zeros_like(z)
    d[lengths - 1] = (softmax(z[lengths - 1]) - np.eye(z.shape[-1])[y]) / len(y)
    return d


def read_elsewhere(z, y, lengths, read, write):
    """The errors of one step of each sequence at another one."""
    d, each = np.zeros_like(z), np.arange(len(y))
    d[write(lengths), each] = (softmax(z[read(lengths), each]) - np.eye(z.shape[-1])[y]) / len(y)
    return d


def at_real_steps(z, y, lengths, n):
    real = np.arange(len(z))[:, None, None] < lengths[:, None]
    return real * (softmax(z) - np.eye(z.shape[-1])[y]) / n


def pushed(**changes):
    return {**PUSHES, **{name.replace("_", " "): value for name, value in changes.items()}}


def cross(value):
    return {**PUSHES, "cross-entropy": value}


WRONG = [
    (exercises.check_pushes, cross(0.9), "sign"), (exercises.check_pushes, cross(2.303), "loss_itself"),
    (exercises.check_pushes, cross(-10), "before_the_softmax"), (exercises.check_pushes, cross(0.1), "one_hot_missing"),
    (exercises.check_pushes, cross(-0.1), "one_hot_missing"),
    (exercises.check_pushes, cross(-0.45), "mean_over_classes"),
    (exercises.check_pushes, pushed(squared_error=-0.09), "sum_missing"),
    (exercises.check_pushes, pushed(squared_error=-0.18), "sum_missing"),
    (exercises.check_pushes, cross("-0.9"), "wrong_type"),
    (exercises.check_pushes, cross(7), "unknown"),
    (exercises.check_pushes, pushed(squared_error=0.162), "sign"),
    (exercises.check_pushes, pushed(squared_error=0.81), "loss_itself"),
    (exercises.check_pushes, pushed(squared_error=-0.9), "before_the_softmax"),
    (exercises.check_pushes, pushed(squared_error=-0.081), "half"),
    (exercises.check_pushes, pushed(squared_error=-0.324), "sum_for_mean"),
    (exercises.check_pushes, pushed(squared_error=-1.62), "factor_missing"),
    (exercises.check_pushes, pushed(squared_error=-0.16), "rounded"),
    (exercises.check_pushes, {"cross-entropy": -0.9}, "wrong_keys"),
    (exercises.check_learns_by_heart, by_heart(epochs=3), "healthy"),
    (exercises.check_learns_by_heart, by_heart(epochs=20), "healthy"),  # enough for start 0, not for start 1
    (exercises.check_learns_by_heart, by_heart(lr=1e-4), "healthy"),
    (exercises.check_learns_by_heart, lambda *_: False, "healthy"),
    (exercises.check_learns_by_heart, lambda *_: True, "frozen"),
    (exercises.check_learns_by_heart, on_its_own, "frozen"),
    (exercises.check_learns_by_heart, by_heart(judge=lambda m, X, y, h: h.loss[-1] < h.loss[0]), "forgetful"),
    (exercises.check_learns_by_heart, by_heart(judge=lambda m, X, y, h: h.loss[-1] != h.loss[0]), "uphill"),
    (exercises.check_learns_by_heart, by_heart(judge=lambda m, X, y, h: h.loss[-1]), "wrong_type"),
    (exercises.check_learns_by_heart, by_heart(judge=lambda m, X, y, h: "yes"), "wrong_type"),
    (exercises.check_learns_by_heart, by_heart(loss_fn=cross_entropy_loss), "exception"),
    (exercises.check_softmax, lambda z: np.log(softmax(z)), "logarithm"),
    (exercises.check_softmax, lambda z: z / z.sum(axis=-1, keepdims=True), "no_exponential"),
    (exercises.check_softmax, lambda z: e(z - z.max(axis=-1, keepdims=True)), "not_normalised"),
    (exercises.check_softmax, lambda z: e(-z) / e(-z).sum(axis=-1, keepdims=True), "sign"),
    (exercises.check_softmax, lambda z: e(z) / (e(z).sum(axis=-1, keepdims=True) + 1e-8), "epsilon"),
    (exercises.check_softmax, lambda z: softmax(z) * 1.0001, "epsilon"),
    (exercises.check_softmax, in_place, "argument_changed"),
    (exercises.check_softmax, lambda z: print(softmax(z)), "not_returned"),
    (exercises.check_softmax_gradient, lambda p, dp: p - dp, "cross_entropy_gradient"),
    (exercises.check_softmax_gradient, lambda p, dp: by_jacobian(p, dp) - p * dp, "diagonal_missing"),
    (exercises.check_softmax_gradient, lambda p, dp: by_jacobian(p, dp) / p, "factor_missing"),
    (exercises.check_softmax_gradient, lambda p, dp: p * dp - p * (p * dp).mean(axis=1, keepdims=True), "mean_for_sum"),
    (exercises.check_softmax_gradient, lambda p, dp: p * dp + p * (p * dp).sum(axis=1, keepdims=True), "sign"),
    (exercises.check_softmax, lambda z: e(z) / e(z).sum(axis=-1, keepdims=True), "overflow"),
    (exercises.check_softmax, lambda z: e(z - z.max()) / e(z - z.max()).sum(axis=-1, keepdims=True),
     "shift_not_per_row"),
    (exercises.check_softmax, lambda z: e(z) / e(z).sum(axis=0), "wrong_axis"),
    (exercises.check_softmax, lambda z: e(z) / e(z).sum(axis=1, keepdims=True), "wrong_axis"),
    (exercises.check_softmax, lambda z: e(z) / e(z).sum(), "wrong_axis"),
    *((exercises.check_softmax, lambda z, axis=axis: shifted(z) / shifted(z).sum(axis=axis, keepdims=True),
       "wrong_axis") for axis in (0, 1, None)),
    (exercises.check_softmax, lambda z: softmax(z / z.max(axis=-1, keepdims=True)), "divided"),
    (exercises.check_softmax, e, "not_normalised"),
    (exercises.check_softmax, lambda z: softmax(np.clip(z, -100, 100)), "clipped"),
    *((exercises.check_softmax, lambda z, shift=shift: e(z - shift(z)) / e(z - shift(z)).sum(axis=-1, keepdims=True),
       "shift_not_per_row") for shift in (lambda z: z.mean(axis=-1, keepdims=True), lambda z: z[..., :1])),
    (exercises.check_softmax, lambda z: z, "unknown"),
    (exercises.check_softmax, lambda z: softmax(z)[0], "wrong_shape"),
    (exercises.check_softmax_gradient, lambda p, dp: p * (1 - p) * dp, "softmax_jacobian_diagonal"),
    (exercises.check_softmax_gradient, lambda p, dp: dp, "softmax_jacobian_identity"),
    (exercises.check_softmax_gradient, lambda p, dp: p * dp, "sum_missing"),
    (exercises.check_softmax_gradient, lambda p, dp: -by_jacobian(p, dp), "sign"),
    (exercises.check_softmax_gradient, lambda p, dp: p * (dp - (p * dp).sum()), "sum_over_batch"),
    (exercises.check_softmax_gradient, lambda p, dp: p * (dp - (p * dp).sum(axis=0)), "sum_over_batch"),
    (exercises.check_softmax_gradient, lambda p, dp: p * (dp - dp.sum(axis=1, keepdims=True)), "unweighted_sum"),
    (exercises.check_softmax_gradient, lambda p, dp: p * (dp - dp.mean(axis=1, keepdims=True)), "unweighted_sum"),
    (exercises.check_softmax_gradient, lambda p, dp: p * dp - (p * dp).sum(axis=1, keepdims=True), "factor_missing"),
    (exercises.check_softmax_gradient, lambda p, dp: p[:, :, None] * (np.eye(5) - p[:, None]), "jacobian_returned"),
    (exercises.check_softmax_gradient, lambda p, dp: np.nan * p, "not_finite"),
    *((exercises.check_last_real_gradient, answer, kind) for answer, kind in [
        (lambda z, y, n: at_last_step(z, y), "reads_padding"),
        (lambda z, y, n: read_elsewhere(z, y, n, lambda n: n * 0 - 1, lambda n: n - 1), "reads_padding"),
        (lambda z, y, n: read_elsewhere(z, y, n, lambda n: n - 1, lambda n: n * 0 - 1), "wrong_place"),
        (lambda z, y, n: at_the_real_end(z, y, n, late=1), "one_late"),
        (lambda z, y, n: read_elsewhere(z, y, n, *[lambda n: np.minimum(n, len(z) - 1)] * 2), "one_late"),
        (lambda z, y, n: at_the_real_end(z, y, n, late=-1), "one_early"),
        (index_of_steps_alone, "in_every_sequence"), (both_indices_of_steps_alone, "in_every_sequence"),
        (lambda z, y, n: (softmax(z) - np.eye(5)[y]) / 4, "error_at_every_step"),
        (lambda z, y, n: at_real_steps(z, y, n, 4), "error_at_every_step"),
        (lambda z, y, n: at_real_steps(z, y, n, n.sum()), "error_at_every_step"),
        (lambda z, y, n: at_the_real_end(z, y, n, scale=4 / n.sum()), "scale"),
        (lambda z, y, n: at_the_real_end(z, y, n) * 4 / n[:, None], "scale"),
        (lambda z, y, n: at_the_real_end(z, y, n, scale=1 / 6), "scale"),
        (lambda z, y, n: at_the_real_end(z, y, n, scale=4), "scale"),
        (lambda z, y, n: at_the_real_end(z, y, n, scale=-1), "sign"),
        (lambda z, y, n: at_the_real_end(z, y, n) + ones_at_the_real_end(z, y, n), "one_hot_missing"),
        (lambda z, y, n: at_the_real_end(z, y, n, p=lambda z: z), "softmax_missing"),
        (lambda z, y, n: at_the_real_end(z, (y + 1) % 5, n), "one_hot_off_by_one"),
        (lambda z, y, n: at_the_real_end(z, y - 1, n), "one_hot_off_by_one"),
        (columns_of_every_row, "columns_of_every_row"),
        (lambda z, y, n: at_the_real_end(z, y, n)[n - 1, range(4)], "last_step_alone"),
        (lambda z, y, n: read_elsewhere(z, y, n, lambda n: n, lambda n: n), "exception"),
    ]),
]


@pytest.mark.parametrize("check, answer, kind", WRONG)
def test_classic_mistakes_get_their_name(check, answer, kind):
    report = check(answer)
    assert report.kind == kind, report
    assert not report.passed and str(report).startswith("Not yet")


def test_a_matrix_that_is_built_is_no_secret():
    report = exercises.check_softmax_gradient(lambda p, dp: p * (dp - (p * dp).sum(1)[:, None]))
    assert report.passed and "without building it" in report.message
    report = exercises.check_softmax_gradient(by_jacobian)
    assert report.passed and "builds a (C, C) matrix" in report.message


@pytest.mark.parametrize("check, answer", [
    (exercises.check_softmax, lambda z: e(z) / e(z).sum(axis=-1)),
    (exercises.check_softmax, lambda z: e(z - z.max(axis=-1)) / e(z).sum(axis=-1, keepdims=True)),
    (exercises.check_softmax_gradient, lambda p, dp: p * (dp - (p * dp).sum(axis=-1))),
])
def test_a_sum_that_lost_its_axis_hears_of_keepdims(check, answer):
    report = check(answer)
    assert report.kind == "exception" and "keepdims=True keeps it" in report.message


def test_an_index_past_the_longest_sequence_hears_where_counting_begins():
    report = exercises.check_last_real_gradient(lambda z, y, n: read_elsewhere(z, y, n, lambda n: n, lambda n: n))
    assert "the last real step of n is n - 1" in report.message


def test_overflow_is_told_in_one_clean_sentence():
    assert "  " not in exercises.check_softmax(lambda z: e(z) / e(z).sum(axis=-1, keepdims=True)).message


CHECKS = [
    exercises.check_softmax, exercises.check_softmax_gradient, exercises.check_learns_by_heart,
    exercises.check_last_real_gradient,
]


@pytest.mark.parametrize("check", CHECKS)
def test_no_answer_raises(check):
    assert check(stub).kind == check(None).kind == "not_started"
    assert check(boom).kind == "exception"
    for nonsense in (3, "text", [], lambda *args: "text", lambda *args: Odd(), lambda *args: [[1], [2, 3]]):
        assert check(nonsense).kind in {"wrong_type", "wrong_shape"}


def test_the_two_pushes_take_any_value():
    assert exercises.check_pushes(None).kind == "not_started"
    assert exercises.check_pushes(dict.fromkeys(PUSHES)).kind == "not_started"
    assert exercises.check_pushes(cross(None)).kind == "not_started"
    for nonsense in ("2.3", [1, 2], Odd(), stub):
        assert exercises.check_pushes(nonsense).kind == "wrong_type"
        assert exercises.check_pushes(cross(nonsense)).kind in {"wrong_type", "wrong_shape"}


def test_the_eight_sequences_cannot_be_told_by_their_last_symbol():
    X, labels = data.first_symbol(8, length=6, seed=1)  # as in the check
    last = X[-1].argmax(axis=-1)
    assert any(len(set(labels[last == symbol])) > 1 for symbol in range(4))


def test_a_softmax_that_fails_only_on_large_logits_says_so():
    def answer(z):
        if np.abs(z).max() > 100:
            return "large"
        return softmax(z)

    assert exercises.check_softmax(answer).kind == "wrong_type"
