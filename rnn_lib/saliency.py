"""Where a network looks: how strongly each output depends on each input before it."""

import numpy as np

from rnn_lib.ground.validation import check_array, check_has, check_labels

__all__ = ["saliency"]


def saliency(model, X, outputs, steps=None):
    """Return |d y_t / d x_k| for all steps t and k of one sequence: (T, T), row t for the output, column k the input.

    X        (T, 1, I)
    outputs  which output of each step is asked, (T,): whole numbers from 0 to O - 1, such as the symbols to come
    steps    the steps t whose rows are wanted, (n,), which makes the result (n, T); None: all

    Each entry is the Euclidean norm of a gradient of I numbers; above the diagonal all are 0. One pass does it: the
    sequence stands in a batch once for each row, and in its copy an error enters at step t alone.
    """
    check_has("model", model, "forward", "backward", "input_gradient", "input_size", "output_size")
    X = check_array("X", X, ("T", 1, model.input_size))
    outputs = check_labels("outputs", outputs, model.output_size, X.shape[:1])
    steps = np.arange(len(X)) if steps is None else check_labels("steps", steps, len(X), ("n",))
    Y = model.forward(np.repeat(X, len(steps), axis=1))
    dY = np.zeros_like(Y)
    dY[steps, np.arange(len(steps)), outputs[steps]] = 1
    model.backward(dY)
    return np.linalg.norm(model.input_gradient(), axis=-1).T
