"""How a gradient changes on its way back: spectral radius, tanh, and matrices that are not normal (notebook 08)."""

from dataclasses import dataclass

import numpy as np
from matplotlib.ticker import NullLocator

from rnn_lib.ground.seeds import generator
from rnn_lib.ground.validation import check_choice
from rnn_lib.playgrounds.panel import Panel, choice, slider
from rnn_lib.plots.sequences import draw_cells, frame_map
from rnn_lib.plots.stage import stage
from rnn_lib.plots.style import BACKWARD, BASELINE, mark_beyond, new_figure, side_by_side
from rnn_lib.plots.words import say

__all__ = ["draw_lag", "lag_panel", "run_lag", "sheared"]

H, STEPS = 16, 40
LINEAR, TANH = "none (linear)", "tanh"


@dataclass
class LagRun:
    """What became of a gradient on its way back: the largest stretch at each lag, and what was predicted."""

    measured: np.ndarray  # (STEPS + 1,): the largest singular value of the product of Jacobians
    expected: np.ndarray  # radius ** lag
    bound: np.ndarray     # (largest singular value of W_hh) ** lag
    states: np.ndarray    # (STEPS + 1, 1, H)
    summary: str


def sheared(size, radius, shear, seed=0):
    """Return a matrix, (size, size), whose eigenvalues are all `radius` or `-radius`, whatever `shear` is.

    Without shear it is `radius` times a reflection, a normal matrix: all its singular values are `radius`, too. Shear
    adds what no eigenvalue shows.
    """
    rng = generator(seed, "sheared")
    Q, _ = np.linalg.qr(rng.normal(size=(size, size)))
    upper = np.triu(rng.normal(size=(size, size)) / np.sqrt(size), k=1)
    signs = np.where(np.arange(size) % 2, -1.0, 1.0)
    return Q @ (radius * np.diag(signs) + shear * upper) @ Q.T


def run_lag(radius=1.0, shear=0.0, activation=TANH, input_size=0.5):
    """Run a network of 16 units over 40 random inputs, and multiply the Jacobians from the last step back."""
    check_choice("activation", activation, (TANH, LINEAR))
    W_hh = sheared(H, radius, shear)
    rng = generator(0, "lag")
    drive = input_size * rng.normal(size=(STEPS, H))
    h, slopes = np.zeros((STEPS + 1, 1, H)), np.ones((STEPS, H))
    for t in range(1, STEPS + 1):
        h[t] = h[t - 1] @ W_hh.T + drive[t - 1]
        if activation == TANH:
            h[t] = np.tanh(h[t])
            slopes[t - 1] = 1 - h[t, 0] ** 2
    product, measured = np.eye(H), [1.0]
    for slope in slopes[::-1]:
        product = product @ (slope[:, None] * W_hh)
        measured.append(np.linalg.norm(product, 2))
    lags = np.arange(STEPS + 1)
    largest = np.linalg.norm(W_hh, 2)
    summary = (f"Radius {radius:.2f}, shear {shear:.1f}, activation {activation}, inputs {input_size:.1f}: "
               f"largest stretch {measured[10]:.1e} at lag 10, {measured[40]:.1e} at lag 40.")
    return LagRun(np.array(measured), radius**lags, largest**lags, h, summary)


@stage
def scenery():
    """Make what is the same in every picture."""
    figure, axes = new_figure(1, 2, 9, 3.6, layout="none")
    figure.pieces = side_by_side(0.57)  # narrow enough for a page of 800 pixels
    axes[0].set_position((0.08, 0.15, 0.475, 0.72))
    axes[1].set_position((0.66, 0.15, 0.32, 0.72))
    axes[0].set(xlim=(0, STEPS), ylim=(1e-9, 1e9), yscale="log", xticks=[0, 10, 20, 30, 40],
                xlabel="lag k (dashed: radius$^k$, dotted: bound $\\sigma_1^k$)")
    axes[0].yaxis.set_minor_locator(NullLocator())
    axes[0].set_yticks([1e-8, 1e-4, 1, 1e4, 1e8])
    axes[0].set_title("Largest stretch of a gradient on its way back", y=1.0, fontsize=11)
    axes[1].set_title("States: orange +1, violet −1", y=1.0, fontsize=11)
    frame_map(axes[1], H, 0, STEPS)
    axes[1].set(xlabel="time step t", xticks=[0, 20, 40])
    return figure, axes


def draw_lag(run):
    """Draw the norms by lag, with both predictions, and the states."""
    figure, axes = scenery()
    axes[0].plot(run.bound, color=BASELINE, linestyle=":", linewidth=1.2)
    axes[0].plot(run.expected, color=BASELINE, linestyle="--", linewidth=1.2)
    axes[0].plot(run.measured, "o-", color=BACKWARD, markersize=4, linewidth=1)
    mark_beyond(axes[0], run.measured, BACKWARD, "stretch ")
    draw_cells(axes[1], run.states)
    return say(figure, run.summary)


def lag_panel():
    """Move the spectral radius and the shear, with tanh or without, and look at the gradient by lag."""
    controls = {
        "radius": slider("spectral radius", 0.5, 1.5, 1.0, step=0.05),
        "shear": slider("shear", 0.0, 2.0, 0.0, step=0.1),
        "activation": choice("activation", [TANH, LINEAR], TANH),
        "input_size": slider("size of inputs", 0.0, 2.0, 0.5, step=0.1),
    }
    return Panel("gradient by lag", run_lag, draw_lag, controls, ghosts=0)
