"""Losses. Each takes the network's output first and returns (loss, dLoss/dOutput)."""

from rnn_lib.validation import check_array, check_number  # noqa: F401


def mse_loss(Y, target):
    """Mean squared error over all elements, as `torch.nn.functional.mse_loss`.

    Y and target have the same shape (no broadcasting). Returns (loss, dL/dY).
    """
    Y = check_array("Y", Y, getattr(Y, "shape", ()))
    difference = Y - check_array("target", target, Y.shape)
    return (difference * difference).mean(), 2 * difference / difference.size
