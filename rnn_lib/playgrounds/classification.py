"""The classification panel: which classes an RNN can tell, and when in the sequence it knows."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from matplotlib.ticker import NullLocator

from rnn_lib import MLP, RNN, data
from rnn_lib.ground.validation import check_choice, check_int
from rnn_lib.losses import cross_entropy_loss, last_step, softmax, softmax_mse_loss
from rnn_lib.optim import Adam
from rnn_lib.playgrounds.panel import Panel, beside, choice, log_slider, plain, slider
from rnn_lib.plots.classification import draw_image, draw_probabilities
from rnn_lib.plots.style import BACKWARD, BASELINE, OUTPUT, TARGET, beside_ghosts, ink, mark_beyond, new_figure
from rnn_lib.plots.words import say
from rnn_lib.training import fit

TASKS = ["first symbol", "parity", "digits"]
LOSSES = ["cross-entropy", "squared error after softmax"]
ERRORS = ["last step", "every step"]
EPOCHS = 20
TITLE = {"loc": "left", "fontsize": 11, "fontweight": "bold", "y": 1.02}  # a fixed y saves a third of the drawing time
PIECES = [(0, 0.5, 0.3, 1), (0.3, 0.5, 1, 1), (0, 0, 1, 0.5)]
PLACES = [[0.075, 0.62, 0.2, 0.31], [0.75, 0.62, 0.19, 0.31], [0.1, 0.12, 0.87, 0.33]]
PLACES_BESIDE_IMAGE = [*PLACES[:2], [0.31, 0.12, 0.66, 0.33], [0.02, 0.12, 0.19, 0.33]]
LOSS_TICKS = [0.001, 0.1, 10.0]
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
    xlabel: str               # what these are
    memoryless: float = 0.0   # held-out accuracy of an MLP that sees the last step alone

    @property
    def chance(self):
        """The held-out accuracy of always naming the class that is most frequent in training."""
        return float((self.labels_test[-1] == np.bincount(self.labels[-1]).argmax()).mean())


@lru_cache(maxsize=64)
def make_task(name, length):
    """Make the data of a task, and train the memoryless baseline on it."""
    if name == "digits":
        X, labels, X_test, labels_test = data.load_digits()
        task = Task(
            f"digits, {length} of 8 rows", [*"0123456789"], 128,
            X[:length], np.tile(labels, (length, 1)), X_test[:length], np.tile(labels_test, (length, 1)),
            [*range(1, length + 1)], "row",
        )
    elif name == "parity":
        (X, labels), (X_test, labels_test) = data.parity(500, length, seed=1), data.parity(500, length, seed=2)
        steps = X_test[:, SHOWN].argmax(axis=-1).tolist()
        task = Task(f"parity of {length}", ["even", "odd"], 25, X, labels, X_test, labels_test, steps, "bit")
    else:
        X, labels = data.first_symbol(160, length, seed=1)
        X_test, labels_test = data.first_symbol(500, length, seed=2)
        steps = ["abcd"[symbol] for symbol in X_test[:, SHOWN].argmax(axis=-1)]
        task = Task(
            f"first of {length}", [*"ABCD"], 20,
            X, np.tile(labels, (length, 1)), X_test, np.tile(labels_test, (length, 1)), steps, "symbol",
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
    lr: float
    error_at: str
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
        if self.accuracy < max(self.task.chance, self.task.memoryless) + 0.05:
            return f"{self.label}: {self.accuracy:.1%} right, no better than memoryless; {self.advice}."
        return (
            f"{self.label}: {self.accuracy:.1%} right (memoryless {self.task.memoryless:.1%}, "
            f"chance {self.task.chance:.1%})."
        )

    @property
    def advice(self):
        """What to try where nothing was learned."""
        if self.task.name.startswith("parity") and self.error_at == "last step":
            return "try the error at every step"
        if self.lr >= 0.1:
            return "try a smaller learning rate"
        return "try a larger learning rate" if self.lr < 0.005 else "try more units"


def train_classifier(
    task="first symbol", hidden_size=16, lr=0.01, length=10, loss="cross-entropy", error_at="last step", epochs=EPOCHS,
    on_epoch=None,
):
    """Train an RNN to name the class of each sequence. Returns a ClassificationRun."""
    check_choice("task", task, TASKS)
    check_choice("loss", loss, LOSSES)
    check_choice("error_at", error_at, ERRORS)
    length = check_int("length", length)
    task = make_task(task, min(length, 8) if task == "digits" else length)  # fewer than 8 rows: a task of its own
    C = len(task.classes)
    squared = loss != "cross-entropy"
    loss_fn = softmax_mse_loss if squared else cross_entropy_loss
    target = data.one_hot(task.labels, C) if squared else task.labels
    if error_at == "last step":
        loss_fn, target = last_step(loss_fn), target[-1]

    model = RNN(task.X.shape[-1], hidden_size, C, dtype=np.float32)  # faster than float64, and exact enough here
    history = fit(
        model, task.X, target, Adam(model.params, lr=lr), loss_fn=loss_fn, epochs=epochs, batch_size=task.batch_size,
        clip_norm=1.0, verbose=False, on_epoch=on_epoch,
    )
    label = f"{task.name}, H {hidden_size}, lr {plain(lr)}, {'squared' if squared else 'cross-entropy'}, {error_at}"
    run = ClassificationRun(label, task, lr, error_at, history.loss, (1 - 1 / C) / C if squared else np.log(C))
    if history.diverged:
        run.diverged = f"training diverged in epoch {len(history.loss) + 1}. Try a smaller learning rate."
        return run
    Y = model.forward(task.X_test)
    run.accuracy = float((Y[-1].argmax(axis=-1) == task.labels_test[-1]).mean())
    run.probabilities = softmax(Y[:, SHOWN])
    return run


def draw_classifier(run, ghosts=()):
    """Draw the loss, the accuracy and one sequence's probabilities; `ghosts` are earlier runs, newest last."""
    figure, axes = new_figure(1, 3 + (run.image is not None), width=9, height=5.2, layout="none")
    for axis, place in zip(axes, PLACES_BESIDE_IMAGE if run.image is not None else PLACES, strict=True):
        axis.set_position(place)
    figure.pieces = PIECES
    shown = beside_ghosts(ghosts, run)
    draw_loss(axes[0], run, shown)
    draw_accuracy(axes[1], run, shown)
    axes[2].set_title("Probability of each class (dark: high; frame: the right one)", **TITLE)
    if run.diverged:
        axes[2].text(0.5, 0.5, run.diverged, ha="center", va="center", color=ink(BACKWARD), fontsize=13, weight="bold")
        axes[2].axis("off")
    else:
        truth = run.task.labels_test[:, SHOWN]
        draw_probabilities(axes[2], run.probabilities, truth, run.task.classes, run.task.steps, run.task.xlabel)
    if run.image is not None:
        draw_image(axes[3], run.image)
    return say(figure, run.summary + beside(ghosts))


def draw_loss(axis, run, shown):
    """Draw the loss of every run by epoch, and the loss of guessing."""
    for past, colour, style in shown:
        epochs = range(1, len(past.loss) + 1)
        axis.plot(epochs, past.loss, color=colour, linestyle=style, linewidth=2.2 if past is run else 1.4)
        if past.diverged:
            axis.plot(len(past.loss) + 1, past.chance_loss, "X", color=BACKWARD, markersize=11)
    axis.axhline(run.chance_loss, color=BASELINE, linestyle=":", linewidth=1.4)
    axis.text(
        0.99, 1.1 * run.chance_loss, "guessing", color=ink(BASELINE), fontsize=9, ha="right", va="bottom",
        transform=axis.get_yaxis_transform(),
    )
    axis.set(yscale="log", ylim=(1e-4, 10), xlim=(0.5, EPOCHS + 0.5), xticks=[1, EPOCHS // 2, EPOCHS], xlabel="epoch")
    axis.set_yticks(LOSS_TICKS, [*map(plain, LOSS_TICKS)])
    axis.yaxis.set_minor_locator(NullLocator())
    axis.set_title("Loss in training", **TITLE)
    mark_beyond(axis, run.loss, OUTPUT)


def draw_accuracy(axis, run, shown):
    """Draw a bar for the held-out accuracy of every run, and of what an RNN must beat."""
    bars = [("always the most frequent", run.task.chance, BASELINE, ":")]
    bars += [("memoryless MLP", run.task.memoryless, BASELINE, "-")]
    bars += [(past.label, past.accuracy, colour, style) for past, colour, style in shown if not past.diverged]
    for y, (label, value, colour, style) in enumerate(bars):
        axis.plot([0, value], [y, y], color=colour, linestyle=style, linewidth=5, solid_capstyle="butt")
        axis.text(value + 0.03, y, f"{value:.0%}", va="center", fontsize=10, color=TARGET)
        axis.text(-0.03, y, label, va="center", ha="right", fontsize=8.5)
    axis.set(xlim=(0, 1), ylim=(5.5, -0.6), xticks=[0, 0.5, 1], xticklabels=["0%", "50%", "100%"], yticks=[])
    axis.set_title("Right at the last step", **TITLE)


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
