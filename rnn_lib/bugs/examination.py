"""The clinic's experiment: train with a wrong backward pass beside the right one, and compare the gradients."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from rnn_lib import data
from rnn_lib.bugs.lstm import BuggyLSTM
from rnn_lib.bugs.rnn import BuggyRNN
from rnn_lib.ground.seeds import generator
from rnn_lib.ground.validation import check_choice, check_int
from rnn_lib.losses import cross_entropy_loss, mse_loss
from rnn_lib.lstm import LSTM
from rnn_lib.optim import SGD, Adam
from rnn_lib.rnn import RNN
from rnn_lib.training import Batch, History
from rnn_lib.training import train as run

__all__ = ["EPOCHS", "NETWORKS", "TASKS", "Examination", "Trial", "examine", "final_loss", "healthy"]

EPOCHS = 200
MOMENTS = 25, 50, 100, 150, 200  # after so many epochs the patient's gradient is looked at where the patient is
NETWORKS = {"RNN": (RNN, BuggyRNN), "LSTM": (LSTM, BuggyLSTM)}
LAST = 10  # epochs: the loss of a fresh batch jumps, so the final loss is the mean of so many


@dataclass(frozen=True)
class Trial:
    """Something to learn, on which a patient is tried.

    batches    epoch -> its `Batch`es, as `training.train` wants them
    loss_fn    (Y, target) -> (loss, dLoss/dY)
    optimizer  made from a model's parameters
    size       of an input, and of an output
    """

    batches: object
    loss_fn: object
    optimizer: object
    size: int
    hidden_size: int

    def model(self, bug=None, seed=0, network="RNN"):
        """Return a network for this task: the right one, or one with a bug, from the same initial weights."""
        right, buggy = NETWORKS[network]
        sizes = self.size, self.hidden_size, self.size
        return right(*sizes, seed=seed) if bug is None else buggy(bug, *sizes, seed=seed)

    def gradients(self, model):
        """Return the model's gradients on the batch that would come after training."""
        batch = next(iter(self.batches(EPOCHS)))
        return model.backward(self.loss_fn(model.forward(batch.X), batch.target)[1])


@dataclass(frozen=True)
class Examination:
    """What a patient shows on one task.

    right, wrong  the histories of the right network and of the one with the bug
    angles        {when: {parameter: (cosine to the true gradient, ratio of lengths)}}, where when is "before training"
                  and "half way": at the weights that the right network has reached after half of its training
    own           {epochs of training: cosine of the whole gradient to the true one, at the patient's own weights};
                  below 0 the patient goes uphill
    """

    bug: str
    task: str
    right: History
    wrong: History
    angles: dict
    own: dict

    @property
    def hides(self):
        """True if training ended below twice the right network's loss."""
        return not self.wrong.diverged and self.ratio < 2

    @property
    def ratio(self):
        """The patient's final loss over the right network's."""
        return final_loss(self.wrong) / final_loss(self.right)

    @property
    def fails(self):
        """True if training diverged or ended at more than five times the right network's loss."""
        return self.wrong.diverged or self.ratio > 5

    @property
    def summary(self):
        """One line: the losses, and the angle of the gradient of W_hh."""
        last = "training diverged" if self.wrong.diverged else f"final loss {final_loss(self.wrong):.4f}"
        cosine, _ = self.angles["half way"]["W_hh"]
        right = final_loss(self.right)
        return f"{self.bug}: {last}, right {right:.4f}; half way, cosine of the W_hh gradient {cosine:.2f}."


def final_loss(history):
    """The mean loss of the last epochs."""
    return float(np.mean(history.loss[-LAST:]))


def sine_task():
    """Next value of a sine wave, 11 windows of 25 steps, all of them in every epoch."""
    X, target = data.windows(data.sine_wave(150), length=25, stride=12)
    return Trial(lambda epoch: [Batch(X, target)], mse_loss, lambda params: SGD(params, lr=0.1), 1, 16)


def recall_task(lag, optimizer, seed=0, T=20, B=16):
    """Name the symbol (one of four) that was shown `lag` steps ago; the first `lag` steps do not count.

    Every epoch is one batch of new sequences, so that each loss is that of sequences never seen.
    """
    counts = np.broadcast_to(np.arange(T)[:, None] >= lag, (T, B))

    def batches(epoch):
        symbols = generator(seed, "symbols", epoch).integers(0, 4, (T, B))
        yield Batch(data.one_hot(symbols, 4), np.roll(symbols, lag, axis=0))

    def loss_fn(Y, labels):
        return cross_entropy_loss(Y, labels, mask=counts)

    return Trial(batches, loss_fn, optimizer, 4, 32)


def adam(params):
    """The optimiser of most of the recall tasks."""
    return Adam(params, lr=0.01)


TASKS = {  # each a function of the seed
    "sine wave, SGD": lambda seed: sine_task(),
    "recall 1 back, Adam": lambda seed: recall_task(1, adam, seed),
    "recall 3 back, Adam": lambda seed: recall_task(3, adam, seed),
    "recall 5 back, Adam": lambda seed: recall_task(5, adam, seed),
    "recall 3 back, SGD": lambda seed: recall_task(3, lambda params: SGD(params, lr=0.5), seed),
}


def examine(bug="carry_missing", task="sine wave, SGD", seed=0, on_epoch=None, network="RNN"):
    """Train a network with this bug, and the right one, on this task; compare their gradients before and half way.

    `seed` decides the initial weights and the symbols; `network` is "RNN", with a bug of `BUGS`, or "LSTM", of
    `LSTM_BUGS`.
    """
    _, buggy = NETWORKS[check_choice("network", network, NETWORKS)]
    check_choice("bug", bug, buggy.bugs)
    chosen = TASKS[check_choice("task", task, TASKS)](check_int("seed", seed, minimum=0))
    right, halfway = healthy(task, seed, network)
    moments = {"before training": chosen.model(seed=seed, network=network).params, "half way": halfway}
    angles = {when: compare(*both_gradients(chosen, bug, weights, network)) for when, weights in moments.items()}
    patient, own = chosen.model(bug, seed, network), {}

    def look(epoch, history):
        if epoch + 1 in MOMENTS and all(np.isfinite(p).all() for p in patient.params.values()):
            whole = ({"all": np.concatenate([g.ravel() for g in grads.values()])}
                     for grads in both_gradients(chosen, bug, patient.params, network))
            own[epoch + 1], _ = compare(*whole)["all"]
        return on_epoch is not None and on_epoch(epoch, history)

    return Examination(bug, task, right, train(chosen, patient, look), angles, own)


def both_gradients(trial, bug, weights, network="RNN"):
    """Return the patient's gradients and the true ones at these weights."""
    models = (trial.model(bug, network=network).set_params(weights), trial.model(network=network).set_params(weights))
    trial.gradients(models[0])  # a call before the one that is compared: what survives a call shows
    return tuple(map(trial.gradients, models))


def train(trial, model, on_epoch=None):
    """Train the model and return its History."""
    with np.errstate(all="ignore"):  # a patient may divide by zero on its way: its History says that it diverged
        return run(model, trial.batches, trial.optimizer(model.params), loss_fn=trial.loss_fn, epochs=EPOCHS,
                   verbose=False, on_epoch=on_epoch)


@cache
def healthy(task, seed=0, network="RNN"):
    """Return the right network's History on this task, and its parameters after half of the epochs."""
    chosen = TASKS[task](seed)
    model, halfway = chosen.model(seed=seed, network=network), {}

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
