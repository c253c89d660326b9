"""One run of the race: a network with about as many parameters as its rivals learns a task, and is asked."""

from dataclasses import dataclass

import numpy as np

from rnn_lib import GRU, LSTM, RNN, MinGRU
from rnn_lib.data import one_hot
from rnn_lib.ground.seeds import generator
from rnn_lib.ground.validation import check_choice, check_int
from rnn_lib.initialization import chrono, orthogonal
from rnn_lib.losses import cross_entropy_loss, last_step
from rnn_lib.optim import Adam
from rnn_lib.race.attention import Attention
from rnn_lib.training import Batch, train

__all__ = ["MODELS", "TASKS", "RaceRun", "ask", "draw_sequences", "make_racer", "long_memory", "run_race",
           "teach"]

TASKS = {  # name -> (inputs, classes, parameters that each network gets, about)
    "parity": (2, 2, 340),
    "marked recall": (5, 4, 1350),
    "unmarked recall": (5, 4, 1350),
}
MODELS = {"RNN": RNN, "LSTM": LSTM, "GRU": GRU, "minGRU": MinGRU, "attention": Attention}
BATCH, STEPS, LEARNED = 32, 1500, 0.01  # sequences in an update, updates at most, mean loss at which training ends
LIVE, SLOW_LEARNERS = 300, {"RNN": 900, "LSTM": 600}  # updates at most while someone waits: enough where it is learned
REMEMBERED = 8  # trainings, so that who only asks another question need not wait for the same one again
N_TEST, CHUNK = 256, 32                 # sequences to ask, and how many of them at a time


def draw_sequences(task, n_sequences, length, rng):
    """Return X, (length, n_sequences, inputs), and labels, (length, n_sequences): the answer if it ended there."""
    check_choice("task", task, TASKS)
    if task == "parity":
        bits = rng.integers(2, size=(length, n_sequences))
        return one_hot(bits, 2), bits.cumsum(axis=0) % 2
    symbols = rng.integers(4, size=(length, n_sequences))
    mark = np.zeros((length, n_sequences, 1))
    mark[0] = task == "marked recall"
    return np.concatenate([one_hot(symbols, 4), mark], axis=2), np.broadcast_to(symbols[0], symbols.shape)


def make_racer(task, model, length, lowest=0.0, seed=0):
    """Return an untrained network with about as many parameters as all others for this task.

    For recall each begins as it remembers best over `length` steps: orthogonal (RNN), or with gates that keep.
    """
    n_inputs, n_classes, n_params = TASKS[check_choice("task", task, TASKS)]
    kind = MODELS[check_choice("model", model, MODELS)]

    def off(hidden_size):
        return abs(sum(map(np.prod, kind.shapes(n_inputs, hidden_size, n_classes).values())) - n_params)

    settings = {"lowest": lowest} if kind is MinGRU else {}
    racer = kind(n_inputs, min(range(1, 100), key=off), n_classes, seed, np.float32, **settings)
    if task == "parity":
        return racer
    if kind is RNN:
        orthogonal(racer, seed=seed).params["b_h"][...] = 0
    elif kind in (LSTM, GRU):
        chrono(racer, length, seed)
    elif kind is MinGRU:
        long_memory(racer, length, seed)
    return racer


def long_memory(model, max_lag, seed=0):
    """Let a MinGRU keep its state over lags up to `max_lag` >= 2, as `chrono` does for the others; return the model."""
    max_lag = check_int("max_lag", max_lag, minimum=2)
    slowness = generator(seed, "open gates").uniform(1, max_lag - 1, model.hidden_size)
    model.params["b_z"][...] = -np.log(slowness)
    return model


@dataclass
class RaceRun:
    """What came of one training: `accuracy`, (asked,), is the share of right answers after 1, 2, … steps."""

    task: str
    label: str
    model: object
    length: int
    steps: int
    loss: float
    accuracy: np.ndarray

    @property
    def chance(self):
        """The accuracy of guessing."""
        return 1 / TASKS[self.task][1]

    @property
    def learned(self):
        """True if it is right more often than half way from guessing to always, at the length it was trained on."""
        return self.accuracy[min(self.length, len(self.accuracy)) - 1] >= (1 + self.chance) / 2

    @property
    def guesses(self):
        """True if it is hardly more often right there than one who guesses."""
        return self.accuracy[min(self.length, len(self.accuracy)) - 1] < self.chance + 0.15 * (1 - self.chance)

    @property
    def summary(self):
        """One line: the network, how it was trained, and what it can do."""
        asked = len(self.accuracy)
        trained = min(self.length, asked)
        known = "" if self.learned else ", no better than guessing" if self.guesses else ", not learned yet"
        return (f"{self.label}: {self.steps} updates{known}. "
                f"{self.accuracy[trained - 1]:.0%} right after {trained}, {self.accuracy[-1]:.0%} after {asked} steps.")


def is_known(loss, limit=LEARNED):
    """True if the mean of the last 20 updates is below `limit`: from there on nothing new is learned."""
    return len(loss) > 20 and np.mean(loss[-20:]) < limit


def teach(model, task, length, seed=0, lr=0.01, epochs=STEPS, on_epoch=None):
    """Train a model on fresh sequences of `length` steps until it knows the task, and return the History.

    The error enters at the last step; for parity at every step. Training ends when the mean loss of 20 updates is
    below 0.01, after `epochs` updates, or when on_epoch(epoch, history) returns True.
    """
    length = check_int("length", length, minimum=3)
    at_every_step = task == "parity"

    def batches(epoch):
        X, labels = draw_sequences(task, BATCH, length, generator(seed, "race", epoch))
        yield Batch(X, labels if at_every_step else labels[-1])

    def knows(epoch, history):
        return is_known(history.loss) or (on_epoch and on_epoch(epoch, history))

    return train(model, batches, Adam(model.params, lr=lr), clip_norm=1.0, epochs=epochs, verbose=False,
                 loss_fn=cross_entropy_loss if at_every_step else last_step(cross_entropy_loss), on_epoch=knows)


def run_race(
    task="parity", model="minGRU", length=20, asked=100, lowest=-1.0, seed=0, epochs=None, lr=None, on_epoch=None,
    memory=None,
):
    """Train one network on sequences of `length` steps, as `teach`, and ask it at all lengths up to `asked`.

    lowest  the lower end of minGRU's multiplier, from -1 to below 1
    epochs  updates at most; by default LIVE of them, and more for those that learn slowly
    lr      learning rate of Adam; by default one that needs few updates
    memory  a dict that keeps the last few trainings: one that is found there is not done again, the network only asked
    """
    asked, racer = check_int("asked", asked), make_racer(task, model, length, lowest, seed)
    epochs = SLOW_LEARNERS.get(model, LIVE) if epochs is None else epochs
    lr = (0.0075 if model == "RNN" else 0.01) if lr is None else lr
    memory = {} if memory is None else memory
    settings = task, model, length, lowest, seed, epochs, lr
    if settings in memory:
        params, loss = memory[settings]
        racer.set_params(params)
    else:
        history = teach(racer, task, length, seed, lr, epochs, on_epoch)
        loss = history.loss
        if not history.message and (len(loss) == epochs or is_known(loss)):  # nobody stopped it
            memory[settings] = {name: p.copy() for name, p in racer.params.items()}, loss
            if len(memory) > REMEMBERED:
                del memory[next(iter(memory))]
    name = f"minGRU, from {lowest:g}" if model == "minGRU" else model
    return RaceRun(task, f"{task}, {name}, T {length}", racer, length, len(loss), float(np.mean(loss[-20:])),
                   ask(racer, task, asked))


def ask(model, task, asked, seed=0):
    """Return the share of right answers after 1, 2, … `asked` steps of sequences that were never seen: (asked,)."""
    right = 0
    for chunk in range(N_TEST // CHUNK):
        X, labels = draw_sequences(task, CHUNK, asked, generator(seed, "race, asked", chunk))
        right = right + (model.forward(X).argmax(axis=-1) == labels).sum(axis=1)
    return right / N_TEST
