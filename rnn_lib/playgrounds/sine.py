"""The sine panel: train an RNN on a sine wave, then watch it read the truth, and itself."""

from dataclasses import dataclass

import numpy as np
from matplotlib.ticker import NullLocator
from matplotlib.transforms import Bbox, TransformedBbox

from rnn_lib import RNN, data
from rnn_lib.generate import free_run
from rnn_lib.ground.validation import check_choice
from rnn_lib.optim import SGD, Adam
from rnn_lib.playgrounds.panel import Panel, beside, choice, log_slider, plain, slider
from rnn_lib.plots.forecast import shade_warm_up
from rnn_lib.plots.style import (
    BACKWARD,
    BASELINE,
    OUTPUT,
    TARGET,
    beside_ghosts,
    ink,
    mark_beyond,
    new_figure,
    side_by_side,
)
from rnn_lib.plots.words import say
from rnn_lib.training import fit

OPTIMISERS = {
    "Adam": Adam,
    "SGD": SGD,
    "SGD with momentum": lambda params, lr: SGD(params, lr, momentum=0.9),
}
PERIOD, WARM_UP, LENGTH = 25, 50, 150
STEPS = range(1, LENGTH + 1)
LAST_VALUE_MSE = 1 - np.cos(2 * np.pi / PERIOD)  # of the forecast "the next value is this one"
PLACES = [(0.085, 0.42, 0.295, 0.51), (0.46, 0.1, 0.515, 0.83)]
SWING = 1.5  # how far from the middle of its row a forecast is drawn
TEACHER_FORCED, FREE_RUNNING, STATES = 8.0, 4.0, -1.5  # in the right picture: middles of rows, bottom of the heat map
TOP = 10.0  # of the loss's axis
LOSS_TICKS = [0.001, 0.1, TOP]
LOST = 1e6  # always predicting 0 has a loss of 0.5; that far above it, training has run away


@dataclass
class SineRun:
    """What came of one training run. A run that diverged has no forecasts, and says when in `diverged`."""

    label: str
    loss: list
    target: np.ndarray                  # (LENGTH,)
    diverged: str = ""
    teacher_forced: np.ndarray = None   # (LENGTH,)
    free_running: np.ndarray = None     # (LENGTH,), up to the warm-up's end the same
    states: np.ndarray = None           # (LENGTH, H), free-running
    teacher_forced_mse: float = None    # both after the warm-up
    free_running_mse: float = None

    @property
    def summary(self):
        """One line: the settings and what came of them."""
        if self.diverged:
            return f"{self.label}: {self.diverged}; try a smaller learning rate."
        if self.loss[-1] > LAST_VALUE_MSE:
            advice = "lower the lr" if went_too_far(self.loss) else "raise lr or epochs"
            return f"{self.label}: loss {self.loss[-1]:.3g}, worse than the last value; {advice}."
        return (
            f"{self.label}: loss {self.loss[-1]:.4f}; MSE teacher-forced {self.teacher_forced_mse:.4f}, "
            f"free {self.free_running_mse:.4f}."
        )


def went_too_far(loss):
    """True if training that failed did so by too large steps: the loss rose far above its start, or fell and stuck."""
    fell_and_stuck = loss[-1] < 0.9 * loss[0] and loss[-1] > 0.98 * loss[len(loss) // 2]
    return max(loss) > 2 * loss[0] or fell_and_stuck


def train_sine(hidden_size=16, lr=0.01, optimiser="Adam", epochs=200, on_epoch=None, seed=0):
    """Train an RNN to predict a sine wave's next value, then let it forecast. Returns a SineRun.

    `seed` draws the first weights; `on_epoch` is passed on to `fit`.
    """
    X, target = data.windows(data.sine_wave(175, PERIOD), length=50, stride=30)  # (50, 5, 1): five phases
    model = RNN(1, hidden_size, 1, seed=seed)
    optimizer = OPTIMISERS[check_choice("optimiser", optimiser, OPTIMISERS)](model.params, lr=lr)

    def stop(epoch, history):
        return (on_epoch is not None and on_epoch(epoch, history)) or history.loss[-1] > LOST

    history = fit(model, X, target, optimizer, epochs=epochs, verbose=False, on_epoch=stop)
    wave = data.sine_wave(LENGTH + 1, PERIOD).reshape(-1, 1, 1)
    label = f"H {hidden_size}, lr {plain(lr)}, {optimiser.removeprefix('SGD with ')}, {epochs} epochs"
    run = SineRun(label, history.loss, target=wave[1:, 0, 0])
    if history.diverged or history.loss[-1] > LOST:
        run.diverged = f"diverged in epoch {len(history.loss) + history.diverged}"
        return run
    run.teacher_forced = model.forward(wave[:-1])[:, 0, 0]
    fed_back = free_run(model, wave[:WARM_UP], LENGTH - WARM_UP)
    run.free_running = model.forward(np.concatenate([wave[:WARM_UP], fed_back]))[:LENGTH, 0, 0]
    run.states = model.hidden_states[1 : LENGTH + 1, 0]
    run.teacher_forced_mse, run.free_running_mse = (
        float(np.mean((y - run.target)[WARM_UP:] ** 2)) for y in (run.teacher_forced, run.free_running)
    )
    return run


def draw_sine(run, ghosts=()):
    """Draw the loss, both forecasts and the hidden states of a SineRun; `ghosts` are earlier ones, newest last."""
    figure, axes = new_figure(1, 2, width=9, height=5.4, layout="none")
    figure.pieces = side_by_side(0.4)
    for axis, place in zip(axes, PLACES, strict=True):
        axis.set_position(place)
    draw_loss(axes[0], run, ghosts)
    draw_time(axes[1], run)
    own = "" if run.diverged else (
        f" The last period that it draws on its own swings by {np.ptp(run.free_running[-PERIOD:]):.1f}, the true by 2."
    )
    return say(figure, run.summary + own + beside(ghosts))


def draw_loss(axis, run, ghosts):
    """Draw the loss of this run over those of the ghosts, with their settings below."""
    for i, (shown, colour, style) in enumerate([*beside_ghosts(ghosts, run), (None, BASELINE, ":")]):
        width = 2.2 if shown is run else 1.4
        if shown is None:
            axis.axhline(LAST_VALUE_MSE, color=colour, linestyle=style, linewidth=width)
        else:
            axis.plot(range(1, len(shown.loss) + 1), shown.loss, color=colour, linestyle=style, linewidth=width)
        height = -0.265 - 0.063 * i  # in the middle of line i of the text below
        axis.plot(
            [-0.21, -0.11], [height] * 2, color=colour, linestyle=style, linewidth=width, clip_on=False,
            transform=axis.transAxes,
        )
    labels = "\n".join([*(shown.label for shown in (*ghosts, run)), "always the last value"])
    axis.text(-0.09, -0.23, labels, fontsize=9, va="top", linespacing=1.45, transform=axis.transAxes)
    if run.diverged:
        axis.plot(len(run.loss), min(run.loss[-1], TOP), "X", color=BACKWARD, markersize=11, clip_on=False)
    last = max(50, *(len(shown.loss) for shown in (run, *ghosts)))
    axis.set(yscale="log", ylim=(1e-3, TOP), xlim=(1, last), xticks=[1, last], xlabel="epoch")
    axis.yaxis.set_minor_locator(NullLocator())
    axis.set_yticks(LOSS_TICKS, map(plain, LOSS_TICKS))
    axis.set_title("Loss in training", y=1.0, fontsize=11)
    if not run.diverged:
        mark_beyond(axis, run.loss, OUTPUT)


def draw_time(axis, run):
    """Draw what goes on over time, in one axes (that is fast): both forecasts and, below them, the hidden states."""
    ticks = {row + value: sign + "1" for row in (TEACHER_FORCED, FREE_RUNNING) for value, sign in ((-1, "−"), (1, "+"))}
    axis.set(xlim=(1, LENGTH), xticks=[1, 50, 100, 150], ylim=(STATES, TEACHER_FORCED + SWING), xlabel="time step")
    axis.set_yticks([*ticks], [*ticks.values()])
    axis.grid(False, axis="x")
    axis.spines["left"].set_visible(False)
    shade_warm_up(axis, 1, WARM_UP)
    for row, output, error, title in (
        (TEACHER_FORCED, run.teacher_forced, run.teacher_forced_mse, "Teacher-forced, reads the truth (dashed)"),
        (FREE_RUNNING, run.free_running, run.free_running_mse, "Free-running, reads its own output"),
    ):
        draw_forecast(axis, row, run, output, error, title)
    if not run.diverged:
        draw_states(axis, run)


def draw_forecast(axis, row, run, output, error, title):
    """Draw one forecast over the target at the height `row`, or say that there is none."""
    axis.plot(STEPS, row + run.target, color=TARGET, linewidth=1.2, linestyle="--", zorder=3)  # above the forecast
    if output is None:
        axis.text(
            LENGTH / 2, row, run.diverged, ha="center", va="center", color=ink(BACKWARD), fontsize=13,
            fontweight="bold", bbox={"color": "white", "pad": 2},
        )
    else:
        (line,) = axis.plot(STEPS, row + output, color=OUTPUT)
        line.set_clip_box(TransformedBbox(Bbox([[1, row - SWING], [LENGTH, row + SWING]]), axis.transData))
        title += f": MSE {error:.4f}" if error >= 5e-5 else ": MSE < 0.0001"
    write_heading(axis, row + SWING, title)


def draw_states(axis, run):
    """Draw the hidden states of the free run as a heat map, the units in the order in which they peak."""
    order = np.argsort(run.states[WARM_UP : WARM_UP + PERIOD].argmax(axis=0), kind="stable")
    axis.imshow(
        run.states[:, order].T, cmap="PuOr_r", vmin=-1, vmax=1, interpolation="nearest", aspect="auto",
        extent=(0.5, LENGTH + 0.5, STATES, STATES + 2 * SWING), zorder=2,
    )
    axis.plot([WARM_UP] * 2, [STATES, STATES + 2 * SWING], color=TARGET, linewidth=1, linestyle=":")
    axis.set(xlim=(1, LENGTH), ylim=(STATES, TEACHER_FORCED + SWING))
    H = len(order)
    write_heading(axis, STATES + 2 * SWING, f"{H} hidden unit{'s' * (H > 1)}, free-running: orange +1, violet −1")


def write_heading(axis, height, text):
    """Write the heading of a row of the picture above it."""
    axis.text(1, height + 0.15, text, fontsize=11, fontweight="bold", va="bottom")


def sine_panel():
    """Train on a sine wave at any hidden size, learning rate, optimiser and number of epochs."""
    controls = {
        "hidden_size": slider("hidden size", 1, 64, 16),
        "lr": log_slider("learning rate", 1e-4, 1.0, 0.01),
        "optimiser": choice("optimiser", list(OPTIMISERS), "Adam"),
        "epochs": slider("epochs", 50, 300, 200, step=50),
    }
    return Panel("sine wave", train_sine, draw_sine, controls)
