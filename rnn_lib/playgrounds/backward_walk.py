"""Notebook 03: walk back through the tiny example, one step of time at a time."""

from dataclasses import dataclass

import numpy as np

from rnn_lib import RNN, data
from rnn_lib.ground.validation import check_choice, check_int
from rnn_lib.losses import mse_loss
from rnn_lib.playgrounds.panel import Panel, choice, slider
from rnn_lib.plots.gradients import backward_walk

EVERY_STEP, LAST_STEP = "every step", "the last step only"


@dataclass(frozen=True)
class BackwardWalk:
    """Where the walk stands, `t`, and what it computed at each step, `ledger` (see plots.backward_walk)."""

    summary: str
    ledger: dict
    t: int


def run_backward_walk(steps_back=1, error_at=EVERY_STEP, recurrence=1.0):
    """Walk back `steps_back` steps through the tiny example, with W_hh multiplied by `recurrence`."""
    params, X, target = data.tiny_example()
    check_int("steps_back", steps_back, minimum=0, maximum=len(X) + 1)
    check_choice("error_at", error_at, (EVERY_STEP, LAST_STEP))
    params["W_hh"] *= recurrence
    T, model = len(X), RNN(input_size=1, hidden_size=2, output_size=1).set_params(params)
    Y = model.forward(X)
    if error_at == LAST_STEP:
        Y[:-1] = target[:-1]  # the loss's other terms are left out
    loss, dY = mse_loss(Y, target)
    t = T + 1 - steps_back
    where = "not begun" if t > T else "over" if t < 1 else f"at step {t}"
    summary = f"Error counted at {error_at}, W_hh times {recurrence:.1f}: loss {loss:.4f}. The walk is {where}."
    return BackwardWalk(summary, walk_back(model.params, X, model.hidden_states, dY), t)


def walk_back(params, X, h, dY):
    """Return every quantity of the backward pass by step, and under 0 the carry that is left over."""
    ledger, carry = {}, np.zeros_like(h[0])
    for t in range(len(X), 0, -1):
        dy_t = dY[t - 1]
        from_y = dy_t @ params["W_hy"]
        dh_t = from_y + carry
        dz_t = (1 - h[t] ** 2) * dh_t
        ledger[t] = {
            "dy_t": dy_t, "from_y": from_y, "carry": carry, "dh_t": dh_t, "dz_t": dz_t,
            "dW_xh": dz_t.T @ X[t - 1], "dW_hh": dz_t.T @ h[t - 1], "db_h": dz_t.sum(axis=0),
            "dW_hy": dy_t.T @ h[t], "db_y": dy_t.sum(axis=0),
        }
        carry = dz_t @ params["W_hh"]
    ledger[0] = {"carry": carry}
    return ledger


def walk_table(ledger, equations, source):
    """Return a Markdown table of a walk: for each quantity its equation, its line of code, its shape and its numbers.

    `equations` maps a quantity's name in the ledger to LaTeX; its line is the one of `source` that begins "name =".
    The last column is the sum over all steps, for the gradients alone.
    """
    steps = range(len(ledger) - 1, 0, -1)
    rows = ["| equation | line of code | shape | " + " | ".join(f"t = {t}" for t in steps) + " | sum |",
            "| :-- | :-- | :-- |" + " --: |" * (len(steps) + 1)]
    for name, equation in equations.items():
        line = next(line.strip() for line in source.splitlines() if line.strip().startswith(f"{name} ="))
        values = [ledger[t][name] for t in steps]
        total = latex(sum(values)) if name.startswith(("dW", "db")) else ""
        rows.append(f"| ${equation}$ | `{line}` | {values[0].shape} | {' | '.join(map(latex, values))} | {total} |")
    return "\n".join(rows)


def latex(array):
    """Numbers to four decimals, without a negative zero, as a matrix in LaTeX."""
    rows = np.atleast_2d(np.round(array, 4) + 0.0)
    body = r" \\ ".join(" & ".join(f"{number:.4f}" for number in row) for row in rows)
    return rf"$\begin{{bmatrix}} {body} \end{{bmatrix}}$"


def draw_backward_walk(result):
    """Draw where the walk stands."""
    return backward_walk(result.ledger, result.t)


def backward_walk_panel():
    """Return the panel: how far back to walk, where the error is counted, how strong the recurrence is."""
    controls = {
        "steps_back": slider("steps back", 0, 4, 1),
        "error_at": choice("error counted at", [EVERY_STEP, LAST_STEP], EVERY_STEP),
        "recurrence": slider("W_hh times", 0.0, 3.0, 1.0, step=0.5),
    }
    panel = Panel("walk back through time", run_backward_walk, draw_backward_walk, controls, ghosts=0)
    panel.rehearse("steps_back")
    return panel
