"""A loss with a wall, and what one step of gradient descent does there (notebook 08)."""

from dataclasses import dataclass

import numpy as np

from rnn_lib.ground.validation import check_int
from rnn_lib.losses import last_step, mse_loss
from rnn_lib.optim import SGD, clip_grad_norm, grad_norm
from rnn_lib.playgrounds.panel import Panel, log_slider, plain
from rnn_lib.plots.stage import stage
from rnn_lib.plots.style import BACKWARD, TARGET, ink, mark_beyond, new_figure, side_by_side
from rnn_lib.plots.vanishing import draw_path, draw_surface
from rnn_lib.plots.words import number, say
from rnn_lib.rnn import RNN

__all__ = ["cliff_panel", "descend_cliff", "draw_cliff", "one_unit", "one_unit_loss"]

T, TARGET_STATE, START = 20, 0.5, (1.4, -0.1)
W, B = np.linspace(0.5, 2, 121), np.linspace(-0.5, 1, 151)  # where the surface is drawn
STEPS = 60
NO_CLIPPING = 1000.0  # the last value of the slider: far above any gradient that its way meets


@dataclass
class Descent:
    """The way of a training over the surface."""

    path: np.ndarray   # (STEPS + 1, 2): w and b before each step, and at the end
    loss: np.ndarray   # (STEPS + 1,)
    norms: np.ndarray  # (STEPS,): of each gradient, before clipping
    summary: str


def one_unit_loss(w, b, length=T):
    """Return the squared distance of h_T from 0.5, where h_t = tanh(w h_{t-1} + b) and h_0 = 0; w and b broadcast."""
    h = 0 * (w + b)
    for _ in range(length):
        h = np.tanh(w * h + b)
    return (h - TARGET_STATE) ** 2


def one_unit(w, b):
    """Return the same network as an `RNN`, which reads zeros and gives out its state."""
    return RNN(1, 1, 1).set_params({"W_xh": [[0]], "W_hh": [[w]], "b_h": [b], "W_hy": [[1]], "b_y": [0]})


def descend_cliff(lr=0.1, clip_norm=None, steps=STEPS, start=START):
    """Train w and b of the one unit by SGD from `start`. Returns a Descent; `clip_norm` None: no clipping."""
    check_int("steps", steps)
    model = one_unit(*start)
    trained = {name: model.params[name] for name in ("W_hh", "b_h")}  # the others stay as they are
    optimizer, loss_fn = SGD(trained, lr), last_step(mse_loss)
    path, losses, norms = [], [], []
    for step in range(steps + 1):
        loss, dY = loss_fn(model.forward(np.zeros((T, 1, 1))), [[TARGET_STATE]])
        path.append([p.item() for p in trained.values()])
        losses.append(loss)
        if step < steps:
            grads = {name: g for name, g in model.backward(dY).items() if name in trained}
            norms.append(grad_norm(grads) if clip_norm is None else clip_grad_norm(grads, clip_norm))
            optimizer.step(grads)
    clip = "not clipped" if clip_norm is None else f"clipped at {plain(clip_norm)}"
    steepest = int(np.argmax(norms))
    jump = np.hypot(*np.subtract(path[steepest + 1], path[steepest]))
    summary = (f"Learning rate {plain(lr)}, {clip}: steepest gradient {norms[steepest]:.3g}, a step of {jump:.2g}; "
               f"loss after {steps} steps {losses[-1]:.4f}.")
    return Descent(np.array(path), np.array(losses), np.array(norms), summary)


def run_cliff(lr=0.1, clip_norm=NO_CLIPPING):
    """Descend; the largest clip norm stands for no clipping."""
    return descend_cliff(lr, None if clip_norm >= NO_CLIPPING else clip_norm)


@stage
def scenery():
    """Make what is the same in every picture: the loss from above, and the axes for the loss by step."""
    figure, axes = new_figure(1, 2, 9, 3.6, layout="none")
    figure.pieces = side_by_side(0.57)
    axes[0].set_position((0.08, 0.15, 0.46, 0.74))
    axes[1].set_position((0.64, 0.15, 0.33, 0.74))
    draw_surface(axes[0], W, B, one_unit_loss(W[:, None], B[None, :]))
    axes[0].set(xlim=(B[0], B[-1]), ylim=(W[0], W[-1]), xticks=[-0.5, 0, 0.5, 1], yticks=[0.5, 1, 1.5, 2])
    axes[0].set_title("The way over the loss (dark: high)", y=1.0, fontsize=11)
    axes[1].set(ylim=(0, 2.6), xlim=(0, STEPS), xticks=[0, 20, 40, 60], yticks=[0, 1, 2], xlabel="step", ylabel="loss")
    axes[1].set_title("Loss by step", y=1.0, fontsize=11)
    return figure, axes


def draw_cliff(descent):
    """Draw the way over the surface, and the loss by step."""
    figure, axes = scenery()
    draw_path(axes[0], descent.path, BACKWARD)
    axes[1].plot(descent.loss, color=TARGET)
    mark_beyond(axes[1], descent.loss)
    w, b = descent.path[-1]
    if not (W[0] <= w <= W[-1] and B[0] <= b <= B[-1]):
        axes[0].text(0.98, 0.02, f"ends outside, at w = {number(w)}, b = {number(b)}", color=ink(BACKWARD), fontsize=9,
                     ha="right", transform=axes[0].transAxes, bbox={"color": "white", "pad": 2})
    return say(figure, descent.summary)


def cliff_panel():
    """Choose a learning rate and a clip norm (1000: no clipping), and see where gradient descent ends."""
    controls = {
        "lr": log_slider("learning rate", 0.005, 1.0, 0.1),
        "clip_norm": log_slider("clip norm", 0.1, NO_CLIPPING, NO_CLIPPING),
    }
    return Panel("cliff", run_cliff, draw_cliff, controls, ghosts=0)
