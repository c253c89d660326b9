"""The classification panel: which classes an RNN can tell, and when in the sequence it knows."""

from dataclasses import dataclass
from functools import lru_cache

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator

from rnn_lib import MLP, RNN, data
from rnn_lib.losses import cross_entropy_loss, last_step, softmax, softmax_mse_loss
from rnn_lib.optim import Adam
from rnn_lib.playgrounds.panel import Panel, choice, log_slider, plain, slider
from rnn_lib.plots.classification import draw_image, draw_probabilities
from rnn_lib.plots.style import BACKWARD, BASELINE, LINES, OUTPUT, SERIES, STYLE, new_figure
from rnn_lib.training import fit
from rnn_lib.validation import check_choice, check_int

TASKS = ["first symbol", "parity", "digits"]
LOSSES = ["cross-entropy", "squared error after softmax"]
ERRORS = ["last step", "every step"]
TITLE = {"fontsize": 11, "fontweight": "bold"}
SHOWN = 1  # the held-out sequence whose probabilities are drawn


@dataclass
class Task:
    """Sequences to train on and held-out ones; the labels are (T, N), one for each step."""

    name: str
    classes: list
    batch_size: int
    X: np.ndarray
    labels: np.ndarray
    X_test: np.ndarray
    labels_test: np.ndarray
    steps: list               # what the sequence that is drawn holds, step by step
    memoryless: float = 0.0   # held-out accuracy of an MLP that sees the last step alone

    @property
    def chance(self):
        """The accuracy of always naming the most frequent class."""
        return np.bincount(self.labels_test[-1]).max() / self.labels_test.shape[1]


@lru_cache(maxsize=64)
def make_task(name, length):
    """Make the data of a task, and train the memoryless baseline on it."""
    if name == "digits":
        T = min(length, 8)  # reading fewer rows than eight is a task of its own
        X, labels, X_test, labels_test = data.load_digits()
        task = Task(
            f"digits, {T} of 8 rows", [*"0123456789"], 128,
            X[:T], np.tile(labels, (T, 1)), X_test[:T], np.tile(labels_test, (T, 1)),
            [f"row {t + 1}" for t in range(T)],
        )
    elif name == "parity":
        (X, labels), (X_test, labels_test) = data.parity(320, length, seed=1), data.parity(500, length, seed=2)
        steps = X_test[:, SHOWN].argmax(axis=-1).tolist()
        task = Task(f"parity of {length}", ["even", "odd"], 20, X, labels, X_test, labels_test, steps)
    else:
        X, labels = data.first_symbol(160, length, seed=1)
        X_test, labels_test = data.first_symbol(500, length, seed=2)
        steps = ["ABCD"[symbol] for symbol in X_test[:, SHOWN].argmax(axis=-1)]
        task = Task(
            f"first of {length}", [*"ABCD"], 20,
            X, np.tile(labels, (length, 1)), X_test, np.tile(labels_test, (length, 1)), steps,
        )
    mlp = MLP(task.X.shape[-1], (16,), len(task.classes), "tanh")
    fit(
        mlp, task.X[-1], task.labels[-1], Adam(mlp.params, lr=0.02), loss_fn=cross_entropy_loss, epochs=60,
        verbose=False,
    )
    task.memoryless = float((mlp.forward(task.X_test[-1]).argmax(axis=-1) == task.labels_test[-1]).mean())
    return task


@dataclass
class ClassificationRun:
    """What came of one training run. A run that diverged has no accuracy, and says when in `diverged`."""

    label: str
    task: Task
    loss: list
    chance_loss: float                 # of saying 1/C for every class
    diverged: str = ""
    accuracy: float = 0.0              # held-out, at the last step
    probabilities: np.ndarray = None   # (T, C), of the sequence that is drawn

    @property
    def image(self):
        """The digit that is drawn, or None."""
        return self.task.X_test[:, SHOWN] if self.task.name.startswith("digits") else None

    @property
    def summary(self):
        """One line: the settings and what came of them."""
        if self.diverged:
            return f"{self.label}: {self.diverged}"
        return (
            f"{self.label}: {self.accuracy:.1%} of the held-out right (memoryless {self.task.memoryless:.1%}, "
            f"chance {self.task.chance:.1%})."
        )


def train_classifier(
    task="first symbol", hidden_size=16, lr=0.01, length=10, loss="cross-entropy", error_at="last step", epochs=15,
    on_epoch=None,
):
    """Train an RNN to name the class of each sequence. Returns a ClassificationRun."""
    check_choice("task", task, TASKS)
    check_choice("loss", loss, LOSSES)
    check_choice("error_at", error_at, ERRORS)
    task = make_task(task, check_int("length", length))
    C = len(task.classes)
    squared = loss != "cross-entropy"
    loss_fn = softmax_mse_loss if squared else cross_entropy_loss
    target = data.one_hot(task.labels, C) if squared else task.labels
    if error_at == "last step":
        loss_fn, target = last_step(loss_fn), target[-1]

    model = RNN(task.X.shape[-1], hidden_size, C, dtype=np.float32)  # twice as fast as float64, and exact enough for a picture
    history = fit(
        model, task.X, target, Adam(model.params, lr=lr), loss_fn=loss_fn, epochs=epochs, batch_size=task.batch_size,
        clip_norm=1.0, verbose=False, on_epoch=on_epoch,
    )
    label = f"{task.name}, H {hidden_size}, lr {plain(lr)}, {'squared' if squared else 'cross-entropy'}, {error_at}"
    run = ClassificationRun(label, task, history.loss, (1 - 1 / C) / C if squared else np.log(C))
    if history.diverged:
        run.diverged = f"training diverged in epoch {len(history.loss) + 1}. Try a smaller learning rate."
        return run
    Y = model.forward(task.X_test)
    run.accuracy = float((Y[-1].argmax(axis=-1) == task.labels_test[-1]).mean())
    run.probabilities = softmax(Y[:, SHOWN])
    return run


def draw_classifier(run, ghosts=()):
    """Draw the loss, the accuracy and one sequence's probabilities; `ghosts` are earlier runs, newest last."""
    figure, _ = new_figure(width=9, height=5.6, layout="none")
    figure.clear()
    with plt.rc_context(STYLE):
        loss, accuracy = figure.add_axes([0.075, 0.57, 0.3, 0.36]), figure.add_axes([0.76, 0.57, 0.19, 0.36])
        below = figure.add_axes([0.075, 0.085, 0.9, 0.34] if run.image is None else [0.29, 0.085, 0.685, 0.34])
        if run.image is not None:
            draw_image(figure.add_axes([0.02, 0.085, 0.2, 0.34]), run.image)
        styles = [*zip(SERIES[3:], LINES[1:], strict=False)][: len(ghosts)] + [(OUTPUT, "-")]
        shown = [*zip([*ghosts, run], styles, strict=True)]
        draw_loss(loss, run, shown)
        draw_accuracy(accuracy, run, shown)
        below.set_title("Probability of each class after each step, one held-out sequence (right class framed)", **TITLE)
        if run.diverged:
            below.text(0.5, 0.5, run.diverged, ha="center", va="center", color=BACKWARD, fontsize=13, weight="bold")
            below.axis("off")
        else:
            draw_probabilities(below, run.probabilities, run.task.labels_test[:, SHOWN], run.task.classes, run.task.steps)
    return figure


def draw_loss(axis, run, shown):
    """Draw the loss of every run by epoch, and the loss of guessing."""
    for past, (colour, style) in shown:
        epochs = range(1, len(past.loss) + 1)
        axis.plot(epochs, past.loss, color=colour, linestyle=style, linewidth=2.2 if past is run else 1.4)
        if past.diverged:
            axis.plot(len(past.loss) + 1, past.chance_loss, "X", color=BACKWARD, markersize=11)
    axis.axhline(run.chance_loss, color=BASELINE, linestyle=":", linewidth=1.4)
    axis.text(
        0.99, run.chance_loss, "guessing", color=BASELINE, fontsize=9, ha="right", va="bottom",
        transform=axis.get_yaxis_transform(),
    )
    axis.set(yscale="log", ylim=(1e-4, 10), xlabel="epoch")
    axis.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axis.set_title("Loss in training", **TITLE)


def draw_accuracy(axis, run, shown):
    """Draw a bar for the held-out accuracy of every run, and of what an RNN must beat."""
    bars = [("chance", run.task.chance, BASELINE, ":"), ("memoryless MLP", run.task.memoryless, BASELINE, "-")]
    bars += [(past.label, past.accuracy, colour, style) for past, (colour, style) in shown]
    labels, values, colours, styles = zip(*bars, strict=True)
    axis.hlines(range(len(bars)), 0, values, colors=colours, linestyles=styles, linewidth=5)
    for y, (past_label, value, colour, _) in enumerate(bars):
        axis.text(value + 0.03, y, f"{value:.0%}", va="center", fontsize=10, color=colour)
    axis.set(xlim=(0, 1), ylim=(5.5, -0.6), xticks=[0, 0.5, 1], xticklabels=["0", "50 %", "100 %"])
    axis.set_yticks(range(len(bars)), labels, fontsize=8.5)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="y", visible=False)
    axis.set_title("Held-out accuracy", loc="right", **TITLE)


def classification_panel():
    """Train on symbols or digits at any hidden size, learning rate, length and loss."""
    controls = {
        "task": choice("task", TASKS, "first symbol"),
        "hidden_size": slider("hidden size", 1, 64, 16),
        "lr": log_slider("learning rate", 1e-4, 1.0, 0.01),
        "length": slider("length", 2, 30, 10),
        "loss": choice("loss", LOSSES, "cross-entropy"),
        "error_at": choice("error at", ERRORS, "last step"),
    }
    return Panel("classification", train_classifier, draw_classifier, controls)
