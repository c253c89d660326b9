"""The training loop."""

import math
import os
import time
from dataclasses import dataclass, field

import numpy as np

from rnn_lib.losses import mse_loss
from rnn_lib.optim import clip_grad_norm, grad_norm
from rnn_lib.validation import (
    check_array,
    check_callable,
    check_has,
    check_int,
    check_number,
    is_finite,
    shape_of,
)

BAR_AFTER = 2  # seconds


@dataclass
class History:
    """What happened in training, one entry an epoch; each batch is measured before its own update.

    loss        mean loss over the epoch's sequences
    grad_norm   largest norm of a batch's whole gradient, before clipping
    message     where training diverged; empty if it did not
    """

    loss: list = field(default_factory=list)
    grad_norm: list = field(default_factory=list)
    message: str = ""

    @property
    def diverged(self):
        """True if training stopped because a number was no longer finite."""
        return bool(self.message)


def fit(
    model, X, target, optimizer, *, loss_fn=mse_loss, epochs=100, batch_size=None, clip_norm=None, seed=0,
    verbose=True, on_epoch=None,
):
    """Train `model` on sequences `X` and return the History.

    X           (T, B, I), or (B, I) for a model without time
    target      whatever `loss_fn` compares with the output: (T, B, ...) or, one for a sequence, (B, ...)
    optimizer   made from `model.params`, such as `Adam(model.params, lr=0.01)`
    loss_fn     (Y, target) -> (loss, dLoss/dY)
    batch_size  sequences a step, drawn without replacement in an order that `seed` decides;
                None: all of them in every step, in the order given
    clip_norm   largest norm of the whole gradient (`clip_grad_norm`); None: no clipping
    verbose     show a progress bar on long work, and print a message if training diverges
    on_epoch    called as on_epoch(epoch, history) after every epoch; training stops if it returns True

    If the loss, its gradient or a parameter is no longer finite, training stops, `history.message`
    says so, and the parameters are put back to the last ones whose loss was finite.
    """
    check_has("model", model, "params", "forward", "backward")
    check_has("optimizer", optimizer, "params", "step")
    if optimizer.params is not model.params:
        came = f"{type(optimizer).__name__} made from other parameters"
        raise ValueError(f"optimizer: expected one made from model.params, got {came}")
    check_callable("loss_fn", loss_fn)
    if on_epoch is not None:
        check_callable("on_epoch", on_epoch)
    X = check_array("X", X, ("B", "I") if len(shape_of(X)) == 2 else ("T", "B", "I"))
    target = check_array("target", target, shape_of(target))
    batch_axis = X.ndim - 2
    B = X.shape[batch_axis]
    target_axis = batch_axis if target.shape[: batch_axis + 1] == X.shape[: batch_axis + 1] else 0
    if target.ndim == 0 or target.shape[target_axis] != B:
        raise ValueError(f"target: expected one target for each of the {B} sequences in X, got shape {target.shape}")
    epochs = check_int("epochs", epochs)
    batch_size = B if batch_size is None else check_int("batch_size", batch_size, maximum=B)
    if batch_size < B and X.ndim == 3 and target.shape == (B, B) == X.shape[:2] and target.dtype.kind == "f":
        raise ValueError(f"target: expected to see which axis is the batch, got {target.shape} with T = B = {B}")
    if clip_norm is not None:
        clip_norm = check_number("clip_norm", clip_norm, above=0)
    rng = np.random.default_rng(check_int("seed", seed, minimum=0))
    history = History()
    last_finite = {name: p.copy() for name, p in model.params.items()}

    def diverged(what):
        for name, p in model.params.items():
            p[...] = last_finite[name]
        history.message = f"Training diverged: {what} no longer finite in epoch {epoch + 1}."
        if verbose:
            print(history.message)
        return history

    for epoch in progress(range(epochs), verbose):
        order = np.arange(B) if batch_size == B else rng.permutation(B)
        loss_sum, largest_norm = 0.0, 0.0
        for start in range(0, B, batch_size):
            batch = order[start : start + batch_size]
            whole = len(batch) == B
            x = X if whole else X.take(batch, axis=batch_axis)
            wanted = target if whole else target.take(batch, axis=target_axis)
            loss, grads = loss_and_gradients(model, x, wanted, loss_fn)
            if grads is None:
                return diverged("the loss or its gradient is")
            for name, p in model.params.items():
                last_finite[name][...] = p
            norm = grad_norm(grads) if clip_norm is None else clip_grad_norm(grads, clip_norm)
            with np.errstate(over="ignore", invalid="ignore"):
                optimizer.step(grads)
            loss_sum += float(loss) * len(batch)
            largest_norm = max(largest_norm, norm)
        history.loss.append(loss_sum / B)
        history.grad_norm.append(largest_norm)
        if on_epoch is not None and on_epoch(epoch, history):
            break
    if not all(map(is_finite, model.params.values())):  # made so by the last update, whose loss nobody saw
        return diverged("the parameters are")
    return history


def loss_and_gradients(model, X, target, loss_fn):
    """Forward, loss, backward. The gradients are None if anything on the way is not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        Y = model.forward(X)
        if not is_finite(Y):
            return math.nan, None
        loss, dY = loss_fn(Y, target)
        if not (is_finite(loss) and is_finite(dY)):
            return loss, None
        grads = model.backward(dY)
        return loss, grads if all(map(is_finite, grads.values())) else None


def progress(epochs, verbose):
    """Iterate over `epochs`; on work longer than two seconds a progress bar appears, and goes away at the end.

    Only then is it made: in a notebook each bar is a handful of widgets, which take longer to make than short work.
    """
    start, bar = time.monotonic(), None
    verbose = verbose and not os.environ.get("TQDM_DISABLE")  # tqdm obeys this by itself in a terminal only
    try:
        for epoch in epochs:
            if bar is not None:
                bar.update()
            elif verbose and time.monotonic() - start > BAR_AFTER:
                from tqdm.auto import tqdm  # imports ipywidgets in a notebook, which rnn_lib itself must not

                bar = tqdm(desc="Training", unit="epoch", total=len(epochs), initial=epoch, leave=False,
                           disable=False)
            yield epoch
    finally:
        if bar is not None:
            bar.total = bar.n  # an unfinished bar would stay in a notebook, in red
            bar.close()
