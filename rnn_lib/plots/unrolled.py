"""The unrolled network, lit up as far as the forward pass has come, with the sums of one step."""

import numpy as np
from matplotlib.colors import to_rgba
from matplotlib.patches import FancyBboxPatch

from rnn_lib.plots.arrows import draw_arrows
from rnn_lib.plots.stage import stage
from rnn_lib.plots.style import BASELINE, HIDDEN, INPUT, OUTPUT, new_figure
from rnn_lib.plots.words import say

WIDTH, HEIGHT = 9.0, 5.0  # inches; the axes count in inches too
INPUT_ROW, HIDDEN_ROW, OUTPUT_ROW, STEP_ROW = 2.3, 3.25, 4.2, 1.85
BOX_WIDTH, LINE = 0.82, 0.22
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
WHOLE = {"left": 0, "bottom": 0, "right": 1, "top": 1}


def unrolled_step(params, X, hidden_states, Y, step):
    """Draw the network unrolled in time, as far as `step`, and below it the sums of that step, number by number.

    One sequence of a small network: X (T, 1, 1), hidden_states (T+1, 1, 2), Y (T, 1, 1); `step` is from 0 (nothing
    read yet) to T. What is not computed yet is empty and dotted; the stronger a box is filled, the larger its number.
    """
    figure, axis = rows_of_the_network()
    recurrent = bool(params["W_hh"].any())
    axis.text(0.1, HEIGHT - 0.2, title(step, len(X), recurrent), fontsize=12, weight="bold", va="center")
    columns, arrows = np.linspace(1.6, WIDTH - 0.55, len(X) + 1), []
    for t, x in enumerate(columns):
        style = {"lit": t <= step, "now": t == step}
        weight = "bold" if t == step else "normal"
        axis.text(x, STEP_ROW, f"t = {t}", ha="center", va="center", fontsize=11, weight=weight)
        draw_node(axis, x, HIDDEN_ROW, hidden_states[t, 0], HIDDEN, **style)
        if t > 0:
            draw_node(axis, x, INPUT_ROW, X[t - 1, 0], INPUT, **style)
            draw_node(axis, x, OUTPUT_ROW, Y[t - 1, 0], OUTPUT, **style)
            left, right = columns[t - 1] + BOX_WIDTH / 2, x - BOX_WIDTH / 2
            state_half = half_height(hidden_states[t, 0])
            arrows += [
                ((left, HIDDEN_ROW), (right, HIDDEN_ROW), HIDDEN, t <= step and recurrent, t == step),
                ((x, INPUT_ROW + half_height(X[0, 0])), (x, HIDDEN_ROW - state_half), INPUT, *style.values()),
                ((x, HIDDEN_ROW + state_half), (x, OUTPUT_ROW - half_height(Y[0, 0])), OUTPUT, *style.values()),
            ]
        if t == step > 0:
            axis.text((left + right) / 2, HIDDEN_ROW + state_half + 0.03, "W_hh", ha="center", va="bottom")
            axis.text(x + 0.06, (INPUT_ROW + HIDDEN_ROW - 0.1) / 2, "W_xh", va="center")
            axis.text(x + 0.06, (OUTPUT_ROW + HIDDEN_ROW + 0.1) / 2, "W_hy", va="center")

    starts, ends, colours, lit, now = zip(*arrows, strict=True)
    colours = [colour if bright else BASELINE for colour, bright in zip(colours, lit, strict=True)]
    draw_arrows(axis, starts, ends, colours, now, ["-" if bright else ":" for bright in lit])

    lines = sums_of_step(params, X, hidden_states, Y, step)
    for i, line in enumerate(lines):
        family, size = ("monospace", 9.5) if i else ("sans-serif", 11.5)
        axis.text(0.15, 1.35 - 0.3 * i, line, va="center", family=family, fontsize=size)
    return say(figure, f"{title(step, len(X), recurrent)}. {'; '.join(lines[-len(hidden_states[0, 0]) - 1 :])}.")


@stage
def rows_of_the_network():
    """Make the axes, with a name for each row."""
    figure, axis = new_figure(width=WIDTH, height=HEIGHT, layout="none", gridspec_kw=WHOLE)
    axis.set(xlim=(0, WIDTH), ylim=(0, HEIGHT))
    axis.axis("off")
    for y, label in ((OUTPUT_ROW, "output\nyₜ"), (HIDDEN_ROW, "hidden state\nhₜ"), (INPUT_ROW, "input\nxₜ")):
        axis.text(0.58, y, label, ha="center", va="center", fontsize=11)
    return figure, axis


def title(step, T, recurrent):
    """Say what the picture shows; `recurrent` is False if W_hh is zero."""
    if step == 0:
        return "Before the first input the hidden state is zero"
    if not recurrent:
        return f"Step {step} of {T}: W_hh = 0, so the new state is made of this input alone"
    return f"Step {step} of {T}: the new state is made of this input and of the state before"


def half_height(values):
    """Half the height of a box that holds these numbers, one a line."""
    return (len(values) * LINE + 0.14) / 2


def draw_node(axis, x, y, values, colour, lit, now):
    """Draw a box with a number for each unit."""
    half = half_height(values)
    strength = 0.08 + 0.5 * min(np.abs(values).max(), 1)
    axis.add_artist(FancyBboxPatch(
        (x - BOX_WIDTH / 2, y - half), BOX_WIDTH, 2 * half, boxstyle="round,pad=0,rounding_size=0.08",
        facecolor=to_rgba(colour, strength) if lit else "white", edgecolor=colour if lit else BASELINE,
        linewidth=3 if now else 1.2, linestyle="-" if lit else ":",
    ))
    if lit:
        text = "\n".join(f"{value:.4f}" for value in values)
        axis.text(x, y, text, ha="center", va="center", fontsize=10.5, linespacing=1.25)


def sums_of_step(params, X, hidden_states, Y, step):
    """Return the equations of one step and the same with numbers, as lines of text."""
    if step == 0:
        return ["h₀ = 0: nothing has been read yet."]
    x, before, now, y = X[step - 1, 0], hidden_states[step - 1, 0], hidden_states[step, 0], Y[step - 1, 0]
    t, t_before = (str(number).translate(SUBSCRIPTS) for number in (step, step - 1))
    lines = [f"h{t} = tanh(W_xh x{t} + W_hh h{t_before} + b_h)      y{t} = W_hy h{t} + b_y"]
    for i, state in enumerate(now):
        sums = products(params["W_xh"][i], x) + products(params["W_hh"][i], before) + [f"{params['b_h'][i]:.4g}"]
        lines.append(f"unit {i}: tanh({' + '.join(sums)}) = tanh({np.arctanh(state):.4f}) = {state:.4f}")
    sums = products(params["W_hy"][0], now) + [f"{params['b_y'][0]:.4g}"]
    lines.append(f"output: {' + '.join(sums)} = {y[0]:.4f}")
    return [line.replace("+ -", "- ") for line in lines]


def products(weights, values):
    """Write weight times value for each pair."""
    return [f"{weight:.4g}·{value:.4f}" if value >= 0 else f"{weight:.4g}·({value:.4f})"
            for weight, value in zip(weights, values, strict=True)]
