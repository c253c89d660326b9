"""Checks of the exercises in notebook 07: the first loss, the softmax and its gradient, the last step, whole digits."""

import tracemalloc

import numpy as np

from rnn_lib import MLP, data
from rnn_lib.exercises.verdict import as_numbers, attempt, call, judge, require, returns_report
from rnn_lib.losses import cross_entropy_loss, softmax
from rnn_lib.optim import Adam
from rnn_lib.training import fit

__all__ = [
    "check_first_loss", "check_softmax", "check_softmax_gradient", "check_last_step_gradient", "check_whole_digit",
]


@returns_report
def check_first_loss(first_loss):
    """Check exercise 1: the cross-entropy of a classifier of ten digits that knows nothing yet."""
    right = np.log(10)
    mistakes = [
        ("sign", -right, "the sign: a loss is minus the logarithm of a probability, and that is positive."),
        ("wrong_logarithm", 1.0, "that is the logarithm to base 10. The loss uses the natural one, np.log."),
        ("wrong_logarithm", np.log2(10), "that is the logarithm to base 2. The loss uses the natural one, np.log."),
        ("probability", 0.1, "that is the probability of the right digit. What is the loss when p[label] is that?"),
        ("sum_over_classes", 10 * right, "only the right class's probability enters the loss, once."),
        ("wrong_classes", np.log(4), "that is for the four symbols. There are ten digits."),
        ("one_network", 2.314, "that is one network's loss, measured. What if it gave each digit exactly 1/10?"),
        ("complement", -np.log(0.9), "that is the probability of being wrong. The loss looks at the right class."),
    ]
    rounded = ("rounded", 1e-2, "close. Write three decimals, or let NumPy compute the number.")
    judge("first_loss", first_loss, right, mistakes, rtol=1e-3, nearly=rounded)
    return "ln 10, about 2.3. A first loss far from it means a bug, or a network that is confident for no reason."


@returns_report
def check_softmax(answer):
    """Check exercise 2: `softmax(logits)` along the last axis, (T, B, C), whatever the size of the logits."""
    logits = np.random.default_rng(0).normal(size=(4, 3, 5))
    e = np.exp(logits)
    exact = softmax(logits)

    def over(axis):
        return e / e.sum(axis=axis, keepdims=True)

    mistakes = [
        ("wrong_axis", over(0), "the sum runs over the steps. The classes are on the last axis."),
        ("wrong_axis", over(1), "the sum runs over the batch. The classes are on the last axis."),
        ("wrong_axis", e / e.sum(), "one sum over everything. Each step of each sequence needs a sum of its own."),
        ("not_normalised", e, "these are positive, but do not sum to 1 over the classes."),
        ("not_normalised", np.exp(logits - logits.max(axis=-1, keepdims=True)), "now divide by their sum."),
        ("no_exponential", logits / logits.sum(axis=-1, keepdims=True), "where is the exponential?"),
        ("sign", softmax(-logits), "the sign: the largest logit must get the largest probability."),
        ("logarithm", np.log(exact), "that is the logarithm of it."),
    ]
    given = logits.copy()
    epsilon = ("epsilon", 1e-3, "nearly: the rows must sum to 1. A small number in the denominator only hides what "
               "else goes wrong; after the right shift the sum is at least 1.")
    remark = judge("softmax", call(answer, given), exact, mistakes, rtol=1e-12, nearly=epsilon)
    unchanged = np.array_equal(given, logits)
    require(unchanged, "argument_changed", "what you return is right, but your function also changes the logits that "
            "it was given. Whoever calls it still needs them: write into a new array.")
    require_finite(
        attempt(answer, np.array([[[1000.0, 999.0, 0.0]]])), "overflow",
        "right for small logits, but exp(1000) is more than a float64 can hold, and inf / inf is NaN. Which "
        " constant can you subtract from all logits of a row without changing the quotient?",
    )
    big = np.array([[
        [1000.0, 999.0, 0.0], [-1000.0, -1001.0, -2000.0], [1000.0, -1000.0, -1000.0], [-1000.0, 1000.0, 0.0],
    ]])
    got = attempt(answer, big)
    require_finite(
        got, "shift_not_per_row", "right for one row, but another became 0 / 0 or inf / inf. Each row's shift must be "
        "its own largest logit, which makes every exponent 0 or less: axis and keepdims.",
    )
    clipped = ("clipped", softmax(big.clip(-500, 500)), "logits that are clipped are other logits: 1000 and 999 must "
               "not become equal. Subtract instead: only differences count.")
    judge("softmax of logits near ±1000", got, softmax(big), [clipped])
    return "over the right axis, and stable for logits of any size." + remark


def require_finite(got, kind, message):
    """Raise a Verdict of this kind if `got` is an array of numbers, and some of them are not finite."""
    array = as_numbers(got)
    require(array is None or np.isfinite(array).all(), kind, message)


@returns_report
def check_softmax_gradient(softmax_gradient):
    """Check exercise 3: `softmax_gradient(p, dp)`, dL/dlogits from p = softmax(logits) and dL/dp, both (B, C)."""
    rng = np.random.default_rng(1)
    p, dp = softmax(rng.normal(size=(3, 5))), rng.normal(size=(3, 5))
    got = attempt(softmax_gradient, p, dp)
    dot = (p * dp).sum(axis=-1, keepdims=True)
    jacobian = p[:, :, None] * (np.eye(5) - p[:, None, :])
    mistakes = [
        ("softmax_jacobian_diagonal", p * (1 - p) * dp,
         "you kept the Jacobian's diagonal only. Raising one logit lowers every other probability, too: dp_i/dz_j "
         "is not 0 for i ≠ j."),
        ("softmax_jacobian_identity", dp, "this passes dL/dp on unchanged, as if the Jacobian were 1."),
        ("sum_missing", p * dp, "that is the first half, diag(p). The half with p pᵀ is missing: what do the other "
         "classes contribute?"),
        ("diagonal_missing", -p * dot, "that is the half with p pᵀ. The half with diag(p) is missing."),
        ("sign", p * (dot - dp), "the sign: raising a logit raises its own probability."),
        ("sign", p * (dp + dot), "the sign of the second half: raising a logit lowers the other probabilities."),
        ("sum_over_batch", p * (dp - (p * dp).sum(axis=0, keepdims=True)),
         "the sum runs over the batch. It belongs to the classes of one example."),
        ("sum_over_batch", p * (dp - (p * dp).sum()), "one sum over everything. Each example has a sum of its own."),
        ("mean_for_sum", p * (dp - dot / 5), "the sum over the classes became a mean."),
        ("unweighted_sum", p * (dp - dp.sum(axis=-1, keepdims=True)),
         "in the sum over the classes each dL/dp_i counts with its probability p_i."),
        ("factor_missing", dp - dot, "one factor p is missing in front."),
        ("cross_entropy_gradient", p - dp, "p minus something is the gradient for the cross-entropy. Here dL/dp is "
         "any vector, whatever the loss."),
        ("jacobian_returned", jacobian, "that is the Jacobian itself. The chain rule multiplies it by dL/dp."),
    ]
    remark = judge("dL/dlogits", got, p * (dp - dot), mistakes)
    if builds_a_matrix(softmax_gradient, 300):
        return "the whole Jacobian is in it." + remark + (
            " One remark: it builds a (C, C) matrix for an example, where one number is enough. Can you do without?")
    return "the whole Jacobian, in one line and without building it." + remark


def builds_a_matrix(softmax_gradient, C):
    """True if the learner's function takes the memory of a (C, C) array for one example."""
    p = np.full((1, C), 1 / C)
    tracemalloc.start()
    attempt(softmax_gradient, p, p)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most >= C * C * p.itemsize


@returns_report
def check_last_step_gradient(last_step_gradient):
    """Check exercise 4: dL/dlogits, (T, B, C), of the mean cross-entropy at the last step; labels are (B,)."""
    rng = np.random.default_rng(2)
    T, B, C = 4, 3, 5
    logits, labels = rng.normal(size=(T, B, C)), np.array([1, 3, 0])
    got = attempt(last_step_gradient, logits, labels)
    p, one_hot = softmax(logits), data.one_hot(labels, C)

    def at_last(d):
        dY = np.zeros((T, B, C))
        dY[-1] = d
        return dY

    error = p[-1] - one_hot
    first = np.zeros((T, B, C))
    first[0] = (p[0] - one_hot) / B
    off_by_one = "one_hot_off_by_one", "the ones sit beside their labels: class k is column k, counted from 0."
    mistakes = [
        ("error_at_every_step", (p - one_hot) / B,
         "every step has an error of its own here. The loss looks at the last step only: what is dL/dY before it?"),
        ("error_at_every_step", (p - one_hot) / (T * B), "that is the mean over all steps. The loss has one."),
        ("error_repeated", np.tile(error / B, (T, 1, 1)),
         "the last step's error sits at every step. Only the last output enters the loss; backward carries it back."),
        ("scale", at_last(error / (T * B)), "right direction, but the mean is over the B targets, not over T times B."),
        ("scale", at_last(error / T), "right direction, but the mean is over the B targets, not over the T steps."),
        ("scale", at_last(error / (B * C)), "right direction, but the mean is over targets, not over their classes."),
        ("scale", at_last(error), "right direction, but B times too large: the loss is a mean over the batch."),
        ("sign", at_last(-error / B), "the sign: the gradient is p minus the one-hot label."),
        ("one_hot_missing", at_last(p[-1] / B), "these are the probabilities alone. Where does the label come in?"),
        ("softmax_missing", at_last((logits[-1] - one_hot) / B), "the logits are not probabilities yet."),
        ("first_step", first, "this error sits at the first step. Which index is the last?"),
        (off_by_one[0], at_last((p[-1] - np.roll(one_hot, 1, axis=1)) / B), off_by_one[1]),
        (off_by_one[0], at_last((p[-1] - np.roll(one_hot, -1, axis=1)) / B), off_by_one[1]),
        ("last_step_alone", error / B, "right for the last step, but backward wants one for each step, (T, B, C)."),
    ]
    judge("dY", got, at_last(error / B), mistakes)
    return "zero everywhere but at the last step. `backward` carries it to the first."


@returns_report
def check_whole_digit(whole_digit):
    """Check exercise 5: (8, N, 8) -> (N, 64), all pixels of a digit in one row. Then train an MLP on them."""
    X, labels, X_test, labels_test = data.load_digits()
    got = attempt(whole_digit, X)
    N = X.shape[1]
    mistakes = [
        ("reshaped", X.reshape(N, 64),
         "the shape is right, and each row is a mixture of eight people's digits: in memory the first axis, the row of "
         "the picture, comes first. Bring the axes into order before you reshape."),
        ("reshaped", X.T.reshape(N, 64),
         "the shape is right, but X.T turns all three axes round: (column, digit, row). The digit must come first."),
        ("columns_first", X.transpose(1, 2, 0).reshape(N, 64),
         "every digit is whole, but read by columns. Put the rows first, as X has them."),
        ("one_digit_a_column", X.transpose(1, 0, 2).reshape(N, 64).T, "one digit must be one row: (N, 64)."),
        ("one_digit_a_column", X.transpose(0, 2, 1).reshape(64, N), "one digit must be one row: (N, 64)."),
        ("not_flat", X.transpose(1, 0, 2), "the axes are in order. Now make each digit one row of 64 numbers."),
    ]
    judge("the pixels", got, X.transpose(1, 0, 2).reshape(N, 64), mistakes)
    pixels_test = attempt(whole_digit, X_test)
    fits = np.shape(pixels_test) == (X_test.shape[1], 64)
    require(fits, "wrong_shape", "right for 1437 digits, but not for another number of them.")
    model = MLP(64, (32,), 10, "tanh")
    fit(
        model, got, labels, Adam(model.params, lr=0.01), loss_fn=cross_entropy_loss, epochs=15, batch_size=64,
        verbose=False,
    )
    right = (model.forward(pixels_test).argmax(axis=-1) == labels_test).mean()
    verdict = "at least 95 %" if right >= 0.95 else "less than 95 %"
    return (
        f"an MLP with 32 hidden units that sees all 64 pixels at once reads {verdict} of the held-out digits. "
        "Its memory is the size of its input: it works because every digit has exactly eight rows."
    )
