"""The clinic's experiment: train with a wrong backward pass beside the right one, and compare the gradients."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from rnn_lib import data
from rnn_lib.bugs.rnn import BUGS, BuggyRNN
from rnn_lib.losses import cross_entropy_loss, mse_loss
from rnn_lib.optim import SGD, Adam
from rnn_lib.rnn import RNN
from rnn_lib.training import History, fit
from rnn_lib.validation import check_choice

__all__ = ["EPOCHS", "TASKS", "Examination", "Trial", "examine", "healthy"]

EPOCHS = 200


@dataclass(frozen=True)
class Trial:
    """Something to learn, on which a patient is tried: data, loss, and an optimiser made from a model's parameters."""

    X: np.ndarray
    target: np.ndarray
    loss_fn: object
    optimizer: object
    hidden_size: int

    def model(self, bug=None):
        """Return a network for this task: the right one, or one with a bug, from the same initial weights."""
        sizes = self.X.shape[-1], self.hidden_size, self.X.shape[-1]
        return RNN(*sizes) if bug is None else BuggyRNN(bug, *sizes)

    def gradients(self, model):
        """Return the model's gradients on the task's data."""
        return model.backward(self.loss_fn(model.forward(self.X), self.target)[1])


@dataclass(frozen=True)
class Examination:
    """What a patient shows on one task.

    right, wrong  the histories of the right network and of the one with the bug
    angles        {when: {parameter: (cosine to the true gradient, ratio of lengths)}}, where when is "before training"
                  and "half way": at the weights that the right network has reached after half of its training
    """

    bug: str
    task: str
    right: History
    wrong: History
    angles: dict

    @property
    def learns(self):
        """True if the loss fell to less than a tenth of what it was."""
        return not self.wrong.diverged and self.wrong.loss[-1] < self.wrong.loss[0] / 10

    @property
    def fails(self):
        """True if training diverged or ended at more than ten times the right network's loss."""
        return self.wrong.diverged or self.wrong.loss[-1] > 10 * self.right.loss[-1]

    @property
    def summary(self):
        """One line: the losses, and the angle of the gradient of W_hh."""
        last = "training diverged" if self.wrong.diverged else f"final loss {self.wrong.loss[-1]:.4f}"
        cosine, _ = self.angles["half way"]["W_hh"]
        right = self.right.loss[-1]
        return f"{self.bug}: {last}, right {right:.4f}; half way, cosine of the W_hh gradient {cosine:.2f}."


def sine_task():
    """Next value of a sine wave, 11 windows of 25 steps, by SGD."""
    X, target = data.windows(data.sine_wave(150), length=25, stride=12)
    return Trial(X, target, mse_loss, lambda params: SGD(params, lr=0.1), hidden_size=16)


def recall_task(lag, T, optimizer, hidden_size):
    """Name the symbol (one of four) that was shown `lag` steps ago; the first `lag` steps do not count."""
    symbols = np.random.default_rng(0).integers(0, 4, (T, 16))
    labels = np.roll(symbols, lag, axis=0)
    counts = np.broadcast_to(np.arange(T)[:, None] >= lag, labels.shape)

    def loss_fn(Y, labels):
        return cross_entropy_loss(Y, labels, mask=counts)

    return Trial(data.one_hot(symbols, 4), labels, loss_fn, optimizer, hidden_size)


TASKS = {
    "sine wave, SGD": sine_task,
    "recall 10 steps back, Adam": lambda: recall_task(10, 20, lambda params: Adam(params, lr=0.01), 32),
    "recall 5 steps back, SGD": lambda: recall_task(5, 10, lambda params: SGD(params, lr=0.2), 24),
}


def examine(bug="carry_missing", task="sine wave, SGD", on_epoch=None):
    """Train the network with this bug, and the right one, on this task; compare their gradients before and half way."""
    check_choice("bug", bug, BUGS)
    chosen = TASKS[check_choice("task", task, TASKS)]()
    right, halfway = healthy(task)
    angles = {}
    for when, weights in {"before training": chosen.model().params, "half way": halfway}.items():
        models = chosen.model(bug), chosen.model()
        for model in models:
            model.set_params(weights)
        chosen.gradients(models[0])  # a call before the one that is compared: what survives a call shows
        angles[when] = compare(*map(chosen.gradients, models))
    return Examination(bug, task, right, train(chosen, chosen.model(bug), on_epoch), angles)


def train(trial, model, on_epoch=None):
    """Train the model and return its History."""
    with np.errstate(all="ignore"):  # a patient may divide by zero on its way: its History says that it diverged
        return fit(model, trial.X, trial.target, trial.optimizer(model.params), loss_fn=trial.loss_fn, epochs=EPOCHS,
                   verbose=False, on_epoch=on_epoch)


@cache
def healthy(task):
    """Return the right network's History on this task, and its parameters after half of the epochs."""
    chosen = TASKS[task]()
    model, halfway = chosen.model(), {}

    def keep(epoch, history):
        if epoch == EPOCHS // 2 - 1:
            halfway.update({name: p.copy() for name, p in model.params.items()})

    return train(chosen, model, keep), halfway


def compare(grads, true_grads):
    """Return {parameter: (cosine to the true gradient, ratio of lengths)}; a gradient of zero has cosine 0."""
    angles = {}
    for name, true in true_grads.items():
        length, true_length = np.linalg.norm(grads[name]), np.linalg.norm(true)
        cosine = (grads[name] * true).sum() / (length * true_length) if length else 0.0
        angles[name] = float(cosine), float(length / true_length)
    return angles
