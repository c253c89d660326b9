"""Step through the forward pass: one step of the slider is one step in time (notebooks 00 and 01)."""

from dataclasses import dataclass

import numpy as np

from rnn_lib.data import tiny_example
from rnn_lib.ground.validation import check_int
from rnn_lib.playgrounds.panel import Panel, slider
from rnn_lib.plots.unrolled import unrolled_step
from rnn_lib.rnn import RNN

SILENCE = 3  # steps without input after the tiny example's sequence, in which you see what remains


@dataclass
class Unrolled:
    """One forward pass, looked at after `step` steps."""

    params: dict
    X: np.ndarray              # (T, 1, 1)
    hidden_states: np.ndarray  # (T+1, 1, 2)
    Y: np.ndarray              # (T, 1, 1)
    step: int
    summary: str


def run_unroll(step=3, recurrent_scale=1.0, first_input=1.0):
    """Run the tiny network on its sequence and three zeros, with W_hh scaled and the first input replaced."""
    params, X, _ = tiny_example()
    X = np.concatenate([X, np.zeros((SILENCE, 1, 1))])
    check_int("step", step, minimum=0, maximum=len(X))
    X[0] = first_input
    params["W_hh"] *= recurrent_scale
    model = RNN(input_size=1, hidden_size=2, output_size=1).set_params(params)
    Y = model.forward(X)
    h = model.hidden_states
    state = ", ".join(f"{value:.4f}" for value in h[step, 0])
    summary = f"W_hh times {recurrent_scale:.1f}, first input {first_input:.1f}. Step {step} of {len(X)}: h = ({state})"
    if step > 0:
        summary += f", y = {Y[step - 1, 0, 0]:.4f}"
    return Unrolled(model.params, X, h, Y, step, summary + ".")


def draw_unroll(result):
    """Draw the network as far as the step, with the sums of that step."""
    return unrolled_step(result.params, result.X, result.hidden_states, result.Y, result.step)


def unroll_panel():
    """Step through the forward pass of the tiny network, followed by three steps without input."""
    controls = {
        "step": slider("time step t", 0, 3 + SILENCE, 3),
        "recurrent_scale": slider("scale of W_hh", 0.0, 3.0, 1.0, step=0.1),
        "first_input": slider("first input", -2.0, 2.0, 1.0, step=0.5),
    }
    return Panel("unrolled network", run_unroll, draw_unroll, controls, ghosts=0)
