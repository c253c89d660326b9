"""Losses. Each takes the network's output first and returns (loss, dLoss/dOutput).

All take a `mask` of the output's shape without its last axis, booleans: where it is False (a padded step of a sequence
that is shorter than others, `data.pad`) the target does not count, and dLoss/dOutput is 0.
"""

import numpy as np

from rnn_lib.ground.validation import (
    check_array,
    check_callable,
    check_labels,
    check_lengths,
    check_loss,
    check_mask,
    rows_or_steps,
)

__all__ = ["cross_entropy_loss", "last_step", "mse_loss", "softmax", "softmax_mse_loss"]


def mse_loss(Y, target, mask=None):
    """Mean squared error over all elements that count, as `torch.nn.functional.mse_loss`.

    Y and target have the same shape (no broadcasting). Returns (loss, dL/dY).
    """
    Y = check_output("Y", Y)
    difference = Y - check_array("target", target, Y.shape)
    n = Y.size
    if mask is not None:
        counts = check_mask(mask, Y.shape[:-1])
        difference = difference * counts[..., None]
        n = Y.shape[-1] * int(np.count_nonzero(counts))
    return (difference * difference).sum() / n, 2 * difference / n


def softmax(logits):
    """Turn logits into probabilities, along the last axis: p_i = exp(z_i) / sum_j exp(z_j).

    Subtracting each row's largest logit changes nothing in the quotient, and keeps exp from overflowing.
    """
    logits = check_output("logits", logits)
    e = np.exp(logits - logits.real.max(axis=-1, keepdims=True))  # .real: complex-step derivatives come through here
    return e / e.sum(axis=-1, keepdims=True)


def cross_entropy_loss(logits, labels, mask=None):
    """Cross-entropy of the softmax, mean over all targets that count, as `torch.nn.functional.cross_entropy`.

    logits  (T, B, C), or (B, C)
    labels  whole numbers from 0 to C-1, (T, B), or (B,); where the mask is False, any whole number

    Returns (loss, dL/dlogits): -log p[label], and p - one_hot(label), each divided by the number of targets.
    """
    logits = check_output("logits", logits, rows_or_steps(logits, "C"))
    counts = np.ones(logits.shape[:-1], bool) if mask is None else check_mask(mask, logits.shape[:-1])
    labels = np.where(counts, check_labels("labels", labels, logits.shape[-1], logits.shape[:-1], counts), 0)

    shifted = logits - logits.real.max(axis=-1, keepdims=True)  # as in softmax
    e = np.exp(shifted)
    total = e.sum(axis=-1, keepdims=True)
    at_label = (*np.indices(labels.shape, sparse=True), labels)  # each target's own place
    log_p = shifted[at_label] - np.log(total[..., 0])
    n = int(np.count_nonzero(counts))
    d_logits = e / total
    d_logits[at_label] -= 1
    d_logits *= counts[..., None]
    d_logits /= n
    return -log_p.sum(where=counts) / n, d_logits


def check_class_numbers(target, n_outputs, mask=None):
    """Raise unless `target` holds class numbers from 0 to n_outputs - 1: what `fit` asks before the first step."""
    counts = np.ones(np.shape(target), bool) if mask is None else mask
    check_labels("target", target, n_outputs, counts.shape, counts)


cross_entropy_loss.check_target = check_class_numbers


def softmax_mse_loss(logits, one_hot, mask=None):
    """Squared error after the softmax, mean over all elements that count, as `mse_loss`.

    logits and one_hot have the same shape, (..., C). Returns (loss, dL/dlogits), with the whole
    Jacobian dp_i/dz_j = p_i (delta_ij - p_j):  dL/dz = p (dL/dp - sum_i p_i dL/dp_i).
    """
    p = softmax(logits)
    loss, dp = mse_loss(p, check_array("one_hot", one_hot, p.shape), mask)
    return loss, p * (dp - (p * dp).sum(axis=-1, keepdims=True))


def last_step(loss_fn):
    """Return the loss that looks at each sequence's last step only: Y is (T, B, ...), the target is (B, ...).

    Its gradient dY is zero at every other step: `fit(..., loss_fn=last_step(cross_entropy_loss))`. With a mask it is
    the last step that is real: in each sequence True up to there, False behind it.
    """
    check_callable("loss_fn", loss_fn)

    def loss_at_last_step(Y, target, mask=None):
        Y = check_output("Y", Y, ("T", "B", "C"))
        last = -1 if mask is None else (check_lengths(mask, Y.shape[:2]) - 1, np.arange(Y.shape[1]))
        dY = np.zeros_like(Y)
        loss, dY[last] = check_loss(loss_fn(Y[last], target), Y[last].shape, Y.dtype)
        return loss, dY

    def check_target(target, n_outputs, mask=None):
        if mask is not None:
            check_lengths(mask, np.shape(mask))
        if hasattr(loss_fn, "check_target"):
            loss_fn.check_target(target, n_outputs)

    loss_at_last_step.check_target = check_target
    return loss_at_last_step


def check_output(name, Y, shape=(..., "C")):
    """Return a network's output as an array of floats, or raise.

    Whole numbers would wrap round, and float16 overflows at 65,504.
    """
    Y = check_array(name, Y, shape)
    return Y.astype(float) if Y.dtype.kind in "iub" or Y.dtype.char == "e" else Y
