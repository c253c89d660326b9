"""Checks of notebook 07's exercises: softmax, its gradient, two losses, the error of the last real step; by_heart.py
has the other."""

import tracemalloc

import numpy as np

from rnn_lib import data
from rnn_lib.exercises.verdict import (
    as_numbers,
    attempt,
    call,
    judge,
    require,
    require_dict,
    returns_report,
)
from rnn_lib.losses import softmax

__all__ = ["check_last_real_gradient", "check_pushes", "check_softmax", "check_softmax_gradient"]

KEEPDIMS = {ValueError: "Did shapes not fit? A sum or a maximum over the classes loses their axis; keepdims=True keeps "
            "it, as an axis of length 1."}


@returns_report
def check_softmax(answer):
    """Check exercise 1: `softmax(logits)` along the last axis, (T, B, C), whatever the size of the logits."""
    logits = np.random.default_rng(0).normal(size=(4, 3, 5))
    e = np.exp(logits)
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    exact = softmax(logits)
    mistakes = [
        *(("wrong_axis", powers / powers.sum(axis=axis, keepdims=True), advice) for powers in (e, shifted)
          for axis, advice in [
              (0, "the sum runs over the steps. The classes are on the last axis."),
              (1, "the sum runs over the batch. The classes are on the last axis."),
              (None, "one sum over everything. Each step of each sequence needs a sum of its own."),
          ]),
        ("divided", softmax(logits / logits.max(axis=-1, keepdims=True)), "the logits are divided by the largest one. "
         "Subtract it: only differences count."),
        ("not_normalised", e, "these are positive, but do not sum to 1 over the classes."),
        ("not_normalised", shifted, "now divide by their sum."),
        ("no_exponential", logits / logits.sum(axis=-1, keepdims=True), "where is the exponential?"),
        ("sign", softmax(-logits), "the sign: the largest logit must get the largest probability."),
        ("logarithm", np.log(exact), "that is the logarithm of it."),
    ]
    given = logits.copy()
    epsilon = ("epsilon", 1e-3, "nearly: the rows must sum to 1. A small number in the denominator only hides what "
               "else goes wrong; after the right shift the sum is at least 1.")
    remark = judge("softmax", call(answer, given, hints=KEEPDIMS), exact, mistakes, rtol=1e-12, nearly=epsilon)
    unchanged = np.array_equal(given, logits)
    require(unchanged, "argument_changed", "what you return is right, but your function also changes the logits that "
            "it was given. Whoever calls it still needs them: write into a new array.")
    require_finite(
        attempt(answer, np.array([[[1000.0, 999.0, 0.0]]])), "overflow",
        "right for small logits, but exp(1000) is more than a float64 can hold, and inf / inf is NaN. Which "
        "constant can you subtract from all logits of a row without changing the quotient?",
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
    """Check exercise 2: `softmax_gradient(p, dp)`, dL/dlogits from p = softmax(logits) and dL/dp, both (B, C)."""
    rng = np.random.default_rng(1)
    p, dp = softmax(rng.normal(size=(3, 5))), rng.normal(size=(3, 5))
    got = attempt(softmax_gradient, p, dp, hints=KEEPDIMS)
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
        ("unweighted_sum", p * (dp - dp.mean(axis=-1, keepdims=True)),
         "a plain mean is subtracted. In the sum over the classes each dL/dp_i counts with its probability p_i."),
        ("factor_missing", p * dp - dot, "the second half lacks its factor p: it is p times one number."),
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
def check_pushes(pushes):
    """Check exercise 3: dL/dz of the right class at p = (0.9, 0.1), the second class right, for two losses."""
    p, one_hot = np.array([0.9, 0.1]), np.array([0.0, 1.0])
    require_dict("pushes", pushes, ("cross-entropy", "squared error"), of="two numbers")
    cross = p[1] - 1
    mistakes = [
        ("sign", -cross, "the sign: a larger z_2 makes the loss smaller, so its gradient is negative."),
        ("loss_itself", -np.log(p[1]), "that is the loss itself. What is its gradient for z_2?"),
        ("before_the_softmax", -1 / p[1], "that is dL/dp_2. It still has to go back through the softmax, and most "
         "of it cancels."),
        ("one_hot_missing", p[1], "that is p_2 alone. Where does the label come in?"),
        ("one_hot_missing", -p[1], "that is p_2 with a sign. Where does the label come in?"),
        ("mean_over_classes", cross / 2, "half of it: the cross-entropy has no mean over the classes."),
    ]
    judge("cross-entropy", pushes["cross-entropy"], cross, named("cross-entropy", mistakes), rtol=1e-3)
    dp = p - one_hot  # 2 (p - one-hot) / 2
    squared = p[1] * (dp[1] - p @ dp)
    mistakes = [
        ("sign", -squared, "the sign: a larger z_2 makes the loss smaller, so its gradient is negative."),
        ("loss_itself", dp @ dp / 2, "that is the loss itself. What is its gradient for z_2?"),
        ("before_the_softmax", dp[1], "that is dL/dp_2. It still has to go back through the softmax."),
        ("half", squared / 2, "half of it. Either the 2 of the square's derivative is missing, or what p_1 adds: a "
         "larger z_2 also makes p_1 smaller."),
        ("sum_missing", p[1] * dp[1], "that is p_2 dL/dp_2. What does the bracket subtract?"),
        ("sum_missing", 2 * p[1] * dp[1], "the bracket subtracts a sum over both classes, and is it a mean over them?"),
        ("sum_for_mean", 2 * squared, "twice too large: the squared error is a mean over the two classes."),
        ("factor_missing", squared / p[1], "one factor is missing: p_2, in front of the bracket."),
    ]
    mistakes = named("squared error", mistakes)
    rounded = ("rounded", 2e-2, "squared error: close. Write three decimals.")
    judge("squared error", pushes["squared error"], squared, mistakes, rtol=1e-3, nearly=rounded)
    return ("0.9 against 0.162. At p = (0.99, 0.01) it is 0.99 against 0.0196: the surer the network is of the wrong "
            "class, the less the squared error pushes, and the more the cross-entropy does.")


def named(loss, mistakes):
    """Say in each advice which of the two numbers it is about."""
    return [(kind, value, f"{loss}: {advice}") for kind, value, advice in mistakes]


@returns_report
def check_last_real_gradient(last_real_gradient):
    """Check exercise 5: dL/dlogits, (T, B, C), of the mean cross-entropy at step `lengths[b]` of each sequence b."""
    T, B, C = 6, 4, 5
    logits = np.random.default_rng(3).normal(size=(T, B, C))
    labels, lengths, each = np.array([1, 3, 0, 3]), np.array([6, 2, 4, 2]), np.arange(B)
    beyond = {IndexError: "Counted from 0, the last real step of n is n - 1: the longest sequence has no step n."}
    got = attempt(last_real_gradient, logits, labels, lengths, hints=beyond)
    p, one_hot = softmax(logits), data.one_hot(labels, C)
    real = np.arange(T)[:, None] < lengths

    def at(steps, d):
        dY = np.zeros((T, B, C))
        dY[steps, each] = d
        return dY

    def in_every_sequence(d):  # what is left if the steps have no partner in the index
        dY = np.zeros((T, B, C))
        dY[lengths - 1] = d
        return dY

    error = p[lengths - 1, each] - one_hot
    columns = np.zeros((B, C))
    columns[:, labels] = 1
    class_k = "the ones sit beside their labels: class k is column k, counted from 0."
    without_partner = "every sequence has an error at each of these steps. Index both: [lengths - 1, np.arange(B)]."
    off_by_one = "counted from 0, the last real step of n is n - 1."
    mistakes = [
        ("reads_padding", at(T - 1, (p[-1] - one_hot) / B),
         "that is the last step of the array. For three of these sequences it is padding: where does each end?"),
        ("reads_padding", at(lengths - 1, (p[-1] - one_hot) / B),
         "the errors sit at the right steps, but are those of the array's last step. Take the logits, too, from where "
         "each sequence ends."),
        ("wrong_place", at(T - 1, error / B), "these are the right errors. They belong where each sequence ends."),
        ("one_late", at(lengths % T, (p[lengths % T, each] - one_hot) / B), f"one step late: {off_by_one}"),
        ("one_late", at(np.minimum(lengths, T - 1), (p[np.minimum(lengths, T - 1), each] - one_hot) / B),
         f"one step late: {off_by_one}"),
        ("one_early", at(lengths - 2, (p[lengths - 2, each] - one_hot) / B), f"one step early: {off_by_one}"),
        ("in_every_sequence", in_every_sequence(error / B), without_partner),
        ("in_every_sequence", in_every_sequence((p[lengths - 1] - one_hot) / B), without_partner),
        ("error_at_every_step", (p - one_hot) / B,
         "every step has an error here, padding too. The loss looks at one step of each sequence."),
        ("error_at_every_step", real[..., None] * (p - one_hot) / B,
         "every real step has an error here. The loss looks at the last of them only."),
        ("error_at_every_step", real[..., None] * (p - one_hot) / lengths.sum(),
         "that is the mean over all real steps. The loss has one target for each sequence."),
        ("scale", at(lengths - 1, error / lengths.sum()),
         "right direction, but the mean is over the B targets, not over all real steps."),
        ("scale", at(lengths - 1, error / lengths[:, None]),
         "right direction, but the mean is over the B targets: a long sequence counts as much as a short one."),
        ("scale", at(lengths - 1, error / (T * B)), "right direction, but the mean is over B targets, not T times B."),
        ("scale", at(lengths - 1, error), "right direction, but B times too large: the loss is a mean over the batch."),
        ("sign", at(lengths - 1, -error / B), "the sign: the gradient is p minus the one-hot label."),
        ("one_hot_missing", at(lengths - 1, p[lengths - 1, each] / B),
         "these are the probabilities alone. Where does the label come in?"),
        ("one_hot_off_by_one", at(lengths - 1, (p[lengths - 1, each] - np.roll(one_hot, 1, axis=1)) / B), class_k),
        ("one_hot_off_by_one", at(lengths - 1, (p[lengths - 1, each] - np.roll(one_hot, -1, axis=1)) / B), class_k),
        ("columns_of_every_row", at(lengths - 1, (p[lengths - 1, each] - columns) / B),
         "that takes 1 from these columns of every row. Give each row its own label: index the rows, too, by "
         "np.arange(B)."),
        ("softmax_missing", at(lengths - 1, (logits[lengths - 1, each] - one_hot) / B),
         "the logits are not probabilities yet."),
        ("last_step_alone", error / B, "these are the right errors, but backward wants one for each step, (T, B, C)."),
    ]
    judge("dY", got, at(lengths - 1, error / B), mistakes)
    return "each sequence answers where it ends, and its padding gets no error."
