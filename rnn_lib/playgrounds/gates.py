"""Recall over a lag by a plain network or one with gates: has it learned a clock or a memory? (notebook 09)"""

from dataclasses import dataclass

import numpy as np
from matplotlib.ticker import NullLocator

from rnn_lib import GRU, LSTM, RNN, data
from rnn_lib.ground.validation import check_choice, check_int
from rnn_lib.initialization import forget_bias as set_forget_bias
from rnn_lib.initialization import orthogonal
from rnn_lib.losses import cross_entropy_loss, last_step
from rnn_lib.optim import Adam
from rnn_lib.playgrounds.panel import Panel, beside, choice, log_slider, plain, slider
from rnn_lib.plots.sequences import STATE_COLOURS
from rnn_lib.plots.stage import stage
from rnn_lib.plots.style import (
    BASELINE,
    HIDDEN,
    OUTPUT,
    TARGET,
    beside_ghosts,
    ink,
    mark_beyond,
    new_axis,
    new_figure,
    side_by_side,
)
from rnn_lib.plots.words import say
from rnn_lib.race.running import is_known
from rnn_lib.training import Batch, train

__all__ = ["draw_recall", "recall_panel", "train_recall"]

MODELS = {"RNN": RNN, "RNN, orthogonal": RNN, "LSTM": LSTM, "GRU": GRU}
H, K, UPDATES, BATCH, LONGEST = 16, 4, 180, 24, 120
KNOWN = 0.003  # mean loss of 20 updates at which training ends
PLACES = [(0.07, 0.17, 0.25, 0.69), (0.39, 0.17, 0.26, 0.69), (0.72, 0.17, 0.27, 0.69)]


@dataclass
class RecallRun:
    """What came of one training: the first of `lag` + 1 symbols, with the error at the last step only."""

    label: str
    lag: int
    loss: list             # by update
    accuracy: np.ndarray   # (LONGEST,): asked after 1, 2, ... symbols
    shown: np.ndarray      # (lag + 1, H): the gate that keeps the state, or the states of a network without gates
    gate: str              # its name, or "" for a network without gates
    lr: float
    open_gate: bool        # a forget bias of 3 or more
    message: str = ""

    @property
    def advice(self):
        """What to try where nothing was learned."""
        if self.gate and not self.open_gate:
            return "try a larger forget bias"
        return "try a smaller learning rate" if self.lr >= 0.05 else "try a shorter lag"

    @property
    def summary(self):
        """One line: the settings and what came of them."""
        if self.message:
            return f"{self.label}: {self.message}"
        if self.accuracy[self.lag] < 1 / K + 0.1:
            return (f"{self.label}: {self.accuracy[self.lag]:.0%} right at this lag, no better than guessing; "
                    f"{self.advice}.")
        near = self.accuracy[max(self.lag - 3, 0) : self.lag + 4].min()
        return (f"{self.label}: {self.accuracy[self.lag]:.0%} right at this lag, at worst {near:.0%} within 3 steps, "
                f"{self.accuracy[-1]:.0%} after {LONGEST} symbols.")


def train_recall(model="LSTM", lag=20, forget_bias=3.0, lr=0.02, epochs=UPDATES, on_epoch=None):
    """Train 16 units to name the symbol of `lag` steps ago; `forget_bias` is that of a gate, where there is one.

    Training ends when the mean loss of 20 updates is below KNOWN, or after `epochs` updates.
    """
    net = MODELS[check_choice("model", model, MODELS)](K, H, K, dtype=np.float32)
    lag, epochs = check_int("lag", lag, maximum=LONGEST - 1), check_int("epochs", epochs)
    gated = bool(getattr(net, "keeping", None))
    if gated:
        set_forget_bias(net, forget_bias)
    elif model != "RNN":
        orthogonal(net)
    X, labels = data.first_symbol(1000, lag + 1, K, seed=1)
    starts = np.random.default_rng(0).integers(len(labels) - BATCH, size=epochs)

    def batches(epoch):
        part = slice(starts[epoch], starts[epoch] + BATCH)
        yield Batch(X[:, part], labels[part])

    def knows(epoch, history):
        return is_known(history.loss, KNOWN) or (on_epoch and on_epoch(epoch, history))

    history = train(net, batches, Adam(net.params, lr=lr), loss_fn=last_step(cross_entropy_loss), epochs=epochs,
                    clip_norm=1.0, verbose=False, on_epoch=knows)
    X_test, labels_test = data.first_symbol(250, LONGEST, K, seed=2)
    accuracy = (net.forward(X_test).argmax(axis=-1) == labels_test).mean(axis=1)
    net.forward(X_test[: lag + 1, :1])
    gate = net.keeping if gated else ""
    shown = net.gates[gate][:, 0] if gated else net.hidden_states[1:, 0]
    label = f"{model}, lag {lag}" + f", bias {forget_bias:.1f}" * gated + f", rate {plain(lr)}"
    message = "training diverged. Try a smaller learning rate." if history.diverged else ""
    return RecallRun(label, lag, history.step_loss, accuracy, shown, gate, lr, forget_bias >= 3, message)


@stage
def scenery():
    """Make what is the same in every picture: the axes for the loss and for the accuracy."""
    figure, axes = new_figure(1, 2, 9, 3.4, layout="none")
    figure.pieces = side_by_side(0.345, 0.68)
    for axis, place in zip(axes, PLACES[:2], strict=True):
        axis.set_position(place)
    axes[0].set(ylim=(1e-3, 40), xlim=(0, UPDATES), xticks=[0, 60, 120, 180], xlabel="update", yscale="log")
    axes[0].set_yticks([0.001, 0.01, 0.1, 1, 10], ["0.001", "0.01", "0.1", "1", "10"])
    axes[0].yaxis.set_minor_locator(NullLocator())
    axes[0].set_title("Loss (dots: guessing)", y=1.0, fontsize=11)
    axes[1].set(ylim=(0, 1.03), xlim=(0, LONGEST), xticks=[0, 40, 80, 120], yticks=[0, 0.5, 1], xlabel="lag asked")
    axes[1].set_title("Right by lag (dots: trained)", y=1.0, fontsize=11)
    return figure, axes


def draw_recall(run, ghosts=()):
    """Draw the loss, the accuracy by length, and the gate (or the states) in one sequence."""
    figure, axes = scenery()
    for past, colour, style in beside_ghosts(ghosts, run):
        axes[0].plot(past.loss, color=colour, linestyle=style, linewidth=1.2, label=past.label)
        axes[1].plot(np.arange(1, LONGEST + 1) - 1, past.accuracy, color=colour, linestyle=style, linewidth=1.6)
    axes[0].axhline(np.log(K), color=BASELINE, linestyle=":")
    axes[0].legend(loc="upper left", fontsize=7, labelspacing=0.1, borderaxespad=0.1)  # four lines end above guessing
    mark_beyond(axes[0], run.loss, OUTPUT)
    axes[1].axvline(run.lag, color=TARGET, linestyle=":", linewidth=1.2)
    axes[1].axhline(1 / K, color=BASELINE, linestyle=":", linewidth=1.2)
    draw_shown(new_axis(figure, PLACES[2]), run)
    return say(figure, run.summary + beside(ghosts))


def draw_shown(axis, run):
    """Draw the gate, or the states, in one sequence: a row a unit."""
    order = np.argsort(-run.shown.mean(axis=0), kind="stable")
    limits = {"cmap": "Greys", "vmin": 0} if run.gate else {"cmap": STATE_COLOURS, "vmin": -1}
    axis.imshow(run.shown.T[order], aspect="auto", vmax=1, extent=(0.5, run.lag + 1.5, H, 0), **limits)
    axis.grid(False)
    axis.set(xlabel="time step t", ylabel="unit", yticks=[], xticks=[1, run.lag + 1])
    title = f"Gate {run.gate} (black: open)" if run.gate else "States: orange +1, violet −1"
    axis.set_title(title, y=1.0, fontsize=11, color=TARGET if run.gate else ink(HIDDEN))


def recall_panel():
    """Choose a network, a lag, the bias of its forget gate and a learning rate; it is trained live."""
    controls = {
        "model": choice("model", [*MODELS], "LSTM"),
        "lag": slider("lag", 2, 30, 20),
        "forget_bias": slider("forget bias", -2.0, 6.0, 3.0, step=0.5),
        "lr": log_slider("learning rate", 0.001, 0.1, 0.02),
    }
    return Panel("recall", train_recall, draw_recall, controls)
