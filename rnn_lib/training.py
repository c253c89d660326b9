"""The training loop, `train`. A way of feeding batches is a generator of `Batch`es, as in `fit` and `fit_stream`."""

import contextlib
import inspect
import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from rnn_lib.gradcheck import check_direction
from rnn_lib.ground.seeds import generator
from rnn_lib.ground.threads import one_thread
from rnn_lib.ground.validation import (
    check_array,
    check_callable,
    check_has,
    check_int,
    check_loss,
    check_mask,
    check_named_arrays,
    check_number,
    describe,
    is_finite,
    rows_or_steps,
)
from rnn_lib.ground.waiting import patient_interrupt, progress
from rnn_lib.losses import mse_loss
from rnn_lib.optim import clip_grad_norm, grad_norm

__all__ = ["Batch", "History", "fit", "fit_stream", "train"]

FAR = 10  # times its start: a loss that ends above that has not been trained down


@dataclass
class History:
    """What happened in training.

    loss        one number an epoch: the mean loss over all targets that count, each batch before its own update
    grad_norm   one number an epoch: the largest norm of a batch's whole gradient, before clipping
    step_loss   one number an update: the loss of its batch, before it
    message     what went wrong, such as where training diverged; empty if nothing did
    diverged    True if training stopped because a number was no longer finite
    """

    loss: list = field(default_factory=list)
    grad_norm: list = field(default_factory=list)
    step_loss: list = field(default_factory=list)
    message: str = ""
    diverged: bool = False


class Batch(NamedTuple):
    """What one update is made from.

    X       the input, (T, B, I) or (B, I)
    target  what the loss compares the output with
    weight  how much this batch's loss counts in the epoch's mean: the number of its targets, in any unit
    state   the state before the first step; None where a sequence begins
    mask    booleans, (T, B), which the loss is given as `mask=`: False at padded steps; None: every step is real
    """

    X: np.ndarray
    target: np.ndarray
    weight: float = 1
    state: object = None
    mask: np.ndarray = None


def fit(
    model, X, target, optimizer, *, mask=None, loss_fn=mse_loss, epochs=100, batch_size=None, clip_norm=None,
    schedule=None, seed=0, verbose=True, on_epoch=None, history=None, check=False,
):
    """Train `model` on sequences `X` and return the History.

    X           (T, B, I), or (B, I) for a model without time
    target      whatever `loss_fn` compares with the output. If its first two sizes are T and B, it has an entry
                for each step, (T, B, ...); if not, an entry for each sequence, (B, ...)
    optimizer   made from `model.params`, such as `Adam(model.params, lr=0.01)`
    mask        for sequences of unequal length: booleans, (T, B), False at padded steps, as `data.pad` returns them.
                No sequence is all padding. None: every step is real
    loss_fn     (Y, target) -> (loss, dLoss/dY); if there is a mask, (Y, target, mask=...)
    epochs      how often each sequence is seen
    batch_size  sequences a step, drawn without replacement in an order that `seed` decides;
                None: all of them in every step, in the order given
    clip_norm   largest norm of the whole gradient (`clip_grad_norm`); None: no clipping
    schedule    called as schedule(epoch) before every epoch, counted from 0: its learning rate, which the optimiser
                keeps. None: the optimiser's own
    verbose     show a progress bar on long work, and print what went wrong
    on_epoch    called as on_epoch(epoch, history) after every epoch; training stops if it returns True
    history     what an earlier call returned: training goes on from there, and 7 + 13 epochs are 20.
                None: everything but the model and the optimiser starts anew
    check       compare the gradients with the slope of the loss along one random direction first (`check_direction`),
                at the cost of two steps, and raise ValueError if they differ

    If the loss, its gradient or a parameter is no longer finite, training stops, `history.message` says so, and
    parameters are put back: see `train`, which also says what Ctrl-C does.
    """
    check_trainable(model, optimizer)
    X = check_array("X", X, rows_or_steps(X, "I"))
    target, mask = check_target(model, X, target, mask, loss_fn)
    empty = () if mask is None else np.flatnonzero(~np.atleast_2d(mask).any(axis=0))
    if len(empty):
        raise ValueError(f"mask: expected a step that counts in each sequence, got False everywhere in {empty[0]}")
    batch_axis = X.ndim - 2
    B = X.shape[batch_axis]
    target_axis = batch_axis if target.shape[: batch_axis + 1] == X.shape[: batch_axis + 1] else 0
    if target.ndim == 0 or target.shape[target_axis] != B:
        raise ValueError(f"target: expected one target for each of the {B} sequences in X, got shape {target.shape}")
    batch_size = B if batch_size is None else check_int("batch_size", batch_size, maximum=B)
    if batch_size < B and X.ndim == 3 and target.shape == (B, B) == X.shape[:2] and target.dtype.kind == "f":
        raise ValueError(f"target: expected to see which axis is the batch, got {target.shape} with T = B = {B}")
    generator(seed, "batches")  # refuses a bad seed before anything happens

    def batches(epoch):
        if batch_size == B:
            yield Batch(X, target, mask=mask)
            return
        order = generator(seed, "batches", epoch).permutation(B)
        for start in range(0, B, batch_size):
            batch = order[start : start + batch_size]
            counts = None if mask is None else mask[..., batch]
            n_targets = len(batch) if mask is None or target_axis == 0 else np.count_nonzero(counts)
            yield Batch(X.take(batch, axis=batch_axis), target.take(batch, axis=target_axis), n_targets, mask=counts)

    if check:
        check_before_training(model, Batch(X, target, mask=mask), loss_fn, verbose)
    return train(model, batches, optimizer, loss_fn=loss_fn, epochs=epochs, clip_norm=clip_norm, schedule=schedule,
                 verbose=verbose, on_epoch=on_epoch, history=history)


def fit_stream(
    model, X, target, optimizer, *, window, mask=None, loss_fn=mse_loss, epochs=100, clip_norm=None, schedule=None,
    verbose=True, on_epoch=None, history=None, check=False,
):
    """Train a recurrent model on long streams by truncated backpropagation through time, and return the History.

    The streams are read side by side, `window` steps at a time, with an update after every window. The state is
    carried on from window to window, so that what was read long ago can still matter; the gradient is not: no error
    walks back over the border of its window. Every epoch reads the streams from their beginning, with a state of zeros.

    X           (T, B, I): B streams of T steps, such as `data.streams` makes
    target      (T, B, ...): an entry for each step
    window      steps between two updates, from 1 to T; the last window is shorter if it does not divide T
    mask        as in `fit`; here no window is all padding

    The other arguments, and what happens when a number is no longer finite, are those of `fit`; the gradients that
    `check=True` compares are those of the first window. With `window=T` it is `fit`.
    """
    check_trainable(model, optimizer)
    if len(inspect.signature(model.forward).parameters) < 2:
        raise TypeError(f"model: expected one whose forward takes a state to carry on, got {describe(model)}")
    X = check_array("X", X, ("T", "B", "I"))
    target, mask = check_target(model, X, target, mask, loss_fn)
    if target.shape[:2] != X.shape[:2]:
        raise ValueError(f"target: expected an entry for each step of each stream, so a shape that begins with "
                         f"{X.shape[:2]}, got {target.shape}")
    window = check_int("window", window, maximum=len(X))
    empty = [] if mask is None else [t for t in range(0, len(X), window) if not mask[t : t + window].any()]
    if empty:
        raise ValueError(f"mask: expected a step that counts in each window, got False everywhere from {empty[0]} on")

    def batches(epoch):
        return in_windows(model, X, target, window, mask)

    if check:
        check_before_training(model, next(batches(0)), loss_fn, verbose)
    return train(model, batches, optimizer, loss_fn=loss_fn, epochs=epochs, clip_norm=clip_norm, schedule=schedule,
                 verbose=verbose, on_epoch=on_epoch, history=history)


def in_windows(model, X, target, window, mask=None):
    """Yield a Batch for each window of the streams, with the state that the model had at the end of the one before."""
    for start in range(0, len(X), window):
        part = slice(start, start + window)
        counts = None if mask is None else mask[part]
        n_targets = len(X[part]) / window if mask is None else np.count_nonzero(counts)
        yield Batch(X[part], target[part], n_targets, model.state if start else None, counts)


def check_before_training(model, batch, loss_fn, verbose):
    """Raise unless the gradients on this batch agree with the slope of the loss along one random direction."""
    direction = check_direction(model, batch.X, lambda Y: batch_loss(loss_fn, Y, batch))
    if not direction.passed:
        raise ValueError(f"model: expected gradients that belong to the loss, got: {direction}")
    if verbose:
        print(direction)


def train(
    model, batches, optimizer, *, loss_fn=mse_loss, epochs=100, clip_norm=None, schedule=None, verbose=True,
    on_epoch=None, history=None,
):
    """Train `model` on what `batches(epoch)` yields, a `Batch` for each update, and return the History.

    The generator goes on only after the update was made: what it yields next may depend on the model, as in a stream
    whose state is carried on. The other arguments are those of `fit`. Where the first batch's products are too small
    for a second thread, all are done on one.

    If a number is no longer finite, training stops, `history.message` says where, and the parameters are put back to
    the last ones whose loss was not above that of the first batch; the optimiser forgets what it gathered. Ctrl-C
    stops training after the update that is under way: the History is returned, and its message says so.
    """
    check_trainable(model, optimizer)
    check_callable("batches", batches)
    check_callable("loss_fn", loss_fn)
    epochs = check_int("epochs", epochs)
    if clip_norm is not None:
        clip_norm = check_number("clip_norm", clip_norm, above=0)
    for name, function in (("schedule", schedule), ("on_epoch", on_epoch)):
        if function is not None:
            check_callable(name, function)
    if history is None:
        history = History()
    elif not isinstance(history, History):
        raise TypeError(f"history: expected what fit returned, got {describe(history)}")
    history.message, history.diverged = "", False
    good = {name: p.copy() for name, p in model.params.items()}  # parameters to put back
    done = len(history.loss)

    def stop(message):
        history.message = message
        if verbose:
            print(message)
        return history

    def diverged(what, epoch):
        for name, p in model.params.items():
            p[...] = good[name]
        if hasattr(optimizer, "reset"):
            optimizer.reset()
        history.diverged = True
        return stop(f"Training diverged: {what} no longer finite in epoch {epoch + 1}.")

    with patient_interrupt() as interrupted, contextlib.ExitStack() as limits:
        for epoch in progress(range(done, done + epochs), verbose):
            losses, weights, largest_norm = [], [], 0.0
            if schedule is not None:
                optimizer.lr = schedule(epoch)
            for batch in batches(epoch):
                if not isinstance(batch, Batch):
                    raise TypeError(f"batches: expected to yield a Batch for each update, got {describe(batch)}")
                if epoch == done and not losses:
                    sequences = math.prod(np.shape(batch.X)[-2:-1])
                    limits.enter_context(one_thread(sequences * max(p.size for p in model.params.values())))
                loss, grads = loss_and_gradients(model, batch, loss_fn)
                if grads is None:
                    return diverged("the loss or its gradient is", epoch)
                history.step_loss.append(float(loss))
                if history.step_loss[-1] <= history.step_loss[0]:
                    for name, p in model.params.items():
                        good[name][...] = p
                norm = grad_norm(grads) if clip_norm is None else clip_grad_norm(grads, clip_norm)
                with np.errstate(over="ignore", invalid="ignore"):
                    optimizer.step(grads)
                losses.append(history.step_loss[-1] * batch.weight)
                weights.append(batch.weight)
                largest_norm = max(largest_norm, norm)
                if interrupted():
                    return stop(f"Training was interrupted in epoch {epoch + 1}; what it had learned is kept.")
            if not sum(weights) > 0:
                raise ValueError(f"batches: expected weights that add up to more than 0, got {weights}")
            history.loss.append(float(sum(losses) / sum(weights)))
            history.grad_norm.append(largest_norm)
            if on_epoch is not None and on_epoch(epoch, history):
                break
    if not all(map(is_finite, model.params.values())):  # made so by the last update, whose loss nobody saw
        return diverged("the parameters are", epoch)
    if history.loss[-1] > FAR * history.loss[0]:
        return stop(f"The loss ended at {history.loss[-1]:.3g}, far above {history.loss[0]:.3g} in epoch 1: "
                    "a smaller learning rate, smaller inputs or clipping may help.")
    return history


def check_trainable(model, optimizer):
    """Raise unless `model` can be trained and `optimizer` was made for it."""
    check_has("model", model, "params", "forward", "backward")
    check_named_arrays("model.params", model.params)
    check_has("optimizer", optimizer, "params", "step")
    if optimizer.params is not model.params:
        came = f"{type(optimizer).__name__} made from other parameters"
        raise ValueError(f"optimizer: expected one made from model.params, got {came}")


def check_target(model, X, target, mask, loss_fn):
    """Return target and mask as arrays, or raise if `loss_fn` cannot use them: before a step changes anything."""
    check_callable("loss_fn", loss_fn)
    target = check_array("target", target)
    if mask is not None:
        mask = check_mask(mask, X.shape[:-1])
        try:
            inspect.signature(loss_fn).bind(None, target, mask=mask)
        except TypeError:
            came = describe(loss_fn)
            raise TypeError(f"loss_fn: expected one that takes mask=, as mse_loss does, got {came}") from None
    if hasattr(loss_fn, "check_target"):
        loss_fn.check_target(target, getattr(model, "output_size", math.inf), mask)
    return target, mask


def batch_loss(loss_fn, Y, batch):
    """Return what the loss says of the output Y; only a batch with a mask asks for a loss that takes one."""
    return loss_fn(Y, batch.target) if batch.mask is None else loss_fn(Y, batch.target, mask=batch.mask)


def loss_and_gradients(model, batch, loss_fn):
    """Forward, loss, backward. The gradients are None if anything on the way is not finite."""
    with np.errstate(over="ignore", invalid="ignore"):
        Y = model.forward(batch.X) if batch.state is None else model.forward(batch.X, batch.state)
        if not is_finite(Y):
            return math.nan, None
        loss, dY = check_loss(batch_loss(loss_fn, Y, batch), Y.shape, Y.dtype)
        if not (is_finite(loss) and is_finite(dY)):
            return loss, None
        grads = model.backward(dY)
        return loss, grads if all(map(is_finite, grads.values())) else None
