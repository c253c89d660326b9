"""Figures about gradients: the walk back through time, and how wrong a shortened formula is."""

import numpy as np

from rnn_lib.plots.style import BACKWARD, BASELINE, HIDDEN, INPUT, LINES, OUTPUT, SERIES, label_ends, new_figure

COLUMN, LEFT = 1.9, 1.2  # width of a time step and of the margin before the first, in inches, the axes' unit
HEIGHT = 6.5
Y_ROW, H_ROW, Z_ROW, X_ROW = 5.65, 4.75, 3.75, 3.0  # heights of outputs, states, pre-activations, inputs
TINT = "#FBEFE6"  # a pale vermillion behind the step where the walk stands
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")  # quicker to draw than mathematics between dollar signs
FULL = {"left": 0, "right": 1, "bottom": 0, "top": 1}
SUMS = {"dW_xh": 2.1, "dW_hh": 1.58, "db_h": 1.13, "dW_hy": 0.8, "db_y": 0.47}  # height of each gradient's row


def backward_walk(ledger, t):
    """Draw the unrolled network while the walk back through time stands at step t.

    `ledger` maps each step to what the walk computed there: a dict with the keys dy_t, from_y, carry, dh_t, dz_t
    and, under dW_xh, dW_hh, db_h, dW_hy, db_y, that step's contribution to each gradient; and step 0 to a dict
    with the carry that is left over. t = T+1: the walk has not begun. t = 0: it is over.
    """
    T = len(ledger) - 1
    width = LEFT + COLUMN * (T + 1)
    figure, axis = new_figure(width=width, height=HEIGHT, layout="none", gridspec_kw=FULL)
    axis.set(xlim=(0, width), ylim=(0, HEIGHT))
    axis.axis("off")
    axis.text(0.1, HEIGHT - 0.2, where_it_stands(ledger, t), fontsize=12, weight="bold", va="center")
    if 1 <= t <= T:
        axis.axvspan(centre(t) - 0.45, centre(t) + COLUMN - 0.45, 0.03, 0.93, color=TINT, linewidth=0)
    draw_network(axis, T)
    for s in range(max(t, 1), T + 1):
        draw_step(axis, s, ledger[s], T, strong=s == t)
    if t == 0:
        draw_carry(axis, 0, ledger[0]["carry"], strong=True)
    draw_sums(axis, ledger, t)
    return figure


def where_it_stands(ledger, t):
    """The title: what the walk has just found."""
    if t == len(ledger):
        return "Forward pass done: the walk back will start at the last step, with carry = 0"
    if t == 0:
        return "Walk over: the five sums are the gradients, and the carry left over is ∂L/∂h₀"
    if t == len(ledger) - 1:
        return f"Step {t}, the last: road 1 alone is dh_{t}; back through tanh it is dz_{t}"
    return f"Step {t}: the two roads add up to dh_{t}; back through tanh it is dz_{t}"


def centre(t):
    """The x position of step t; step 0 is the initial state."""
    return 0.45 if t == 0 else LEFT + 0.45 + COLUMN * (t - 1)


def text(array):
    """Numbers to four decimals, without a negative zero; one line for each row of a matrix."""
    array = np.atleast_2d(np.round(array, 4) + 0.0)
    return "\n".join(" ".join(f"{number:7.4f}" for number in row) for row in array)


def draw_network(axis, T):
    """Nodes, and grey arrows for the forward pass."""
    node(axis, centre(0), H_ROW, "h₀", HIDDEN)
    for t in range(1, T + 1):
        x, index = centre(t), str(t).translate(SUBSCRIPTS)
        node(axis, x, Y_ROW, "y" + index, OUTPUT)
        node(axis, x, H_ROW, "h" + index, HIDDEN)
        node(axis, x, Z_ROW, "z" + index, HIDDEN)
        node(axis, x, X_ROW, "x" + index, INPUT)
        for below, above in ((X_ROW, Z_ROW), (Z_ROW, H_ROW), (H_ROW, Y_ROW)):
            arrow(axis, (x - 0.07, below + 0.2), (x - 0.07, above - 0.2))
        arrow(axis, (centre(t - 1) + 0.21, H_ROW - 0.04), (x - 0.18, Z_ROW + 0.16))


def draw_step(axis, t, step, T, strong):
    """What the walk computed at step t: backward arrows and their numbers."""
    x = centre(t)
    number(axis, x - 0.2, Y_ROW + 0.32, f"dy_{t} = {text(step['dy_t']).strip()}", strong)
    arrow(axis, (x + 0.07, Y_ROW - 0.2), (x + 0.07, H_ROW + 0.2), BACKWARD, strong)
    number(axis, x + 0.17, (Y_ROW + H_ROW) / 2 + 0.08, f"from y_{t}\n{text(step['from_y'])}", strong)
    number(axis, x + 0.25, H_ROW + 0.17, f"dh_{t}\n{text(step['dh_t'])}", strong)
    arrow(axis, (x + 0.07, H_ROW - 0.2), (x + 0.07, Z_ROW + 0.2), BACKWARD, strong)
    number(axis, x + 0.25, Z_ROW - 0.16, f"dz_{t}\n{text(step['dz_t'])}", strong)
    if t < T:
        draw_carry(axis, t, step["carry"], strong)
    else:
        number(axis, x + 0.45, (H_ROW + Z_ROW) / 2 - 0.02, "carry = 0\nnothing after", strong)


def draw_carry(axis, t, carry, strong):
    """The road from z_{t+1} back to h_t, and what travels on it."""
    arrow(axis, (centre(t + 1) - 0.22, Z_ROW), (centre(t) + 0.16, H_ROW - 0.2), BACKWARD, strong)
    middle = (centre(t) + centre(t + 1)) / 2
    background = TINT if strong and t > 0 else "white"
    number(axis, middle - 0.56, (H_ROW + Z_ROW) / 2 - 0.02, f"carry\n{text(carry)}", strong, background)


def draw_sums(axis, ledger, t):
    """Below each step what it adds to every gradient; in the last column the sums so far."""
    T = len(ledger) - 1
    done = range(max(t, 1), T + 1)
    for step in range(1, T + 1):
        axis.text(centre(step) - 0.2, 2.5, f"step {step} adds", va="center", fontsize=9.5)
    axis.text(centre(T + 1) - 0.2, 2.5, "sum so far", va="center", fontsize=9.5, weight="bold")
    for name, y in SUMS.items():
        axis.text(0.1, y, name, color=BACKWARD, family="monospace", fontsize=10, va="center", weight="bold")
        axis.axhline(y + (0.27 if name in ("dW_xh", "dW_hh") else 0.17), 0.01, 0.99, color="#E5E5E5", linewidth=1)
        for step in done:
            number(axis, centre(step) - 0.2, y, text(ledger[step][name]), step == t)
        number(axis, centre(T + 1) - 0.2, y, text(sum(ledger[step][name] for step in done)) if done else " 0", True)


def node(axis, x, y, name, colour):
    """A round node with its name."""
    circle = {"boxstyle": "circle,pad=0.25", "facecolor": "white", "edgecolor": colour, "linewidth": 2}
    axis.text(x, y, name, ha="center", va="center", fontsize=11, bbox=circle, zorder=3)


def arrow(axis, start, end, colour="#BDBDBD", strong=False):
    """A straight arrow: grey on the way forward; on the way back thick where the walk stands."""
    width = 2.6 if strong else 1.3
    style = "--" if colour == BACKWARD and not strong else "-"
    axis.annotate("", end, start, arrowprops={
        "arrowstyle": "-|>", "color": colour, "linewidth": width, "linestyle": style, "shrinkA": 0, "shrinkB": 0,
    })


def number(axis, x, y, words, strong, background=None):
    """A quantity of the walk: bold vermillion where the walk stands, grey where it has been."""
    axis.text(
        x, y, words, va="center", family="monospace", fontsize=8.5, linespacing=1.2, zorder=4,
        color=BACKWARD if strong else "#595959", weight="bold" if strong else "normal",
        bbox={"facecolor": background, "edgecolor": "none", "pad": 1.5} if background else None,
    )


def shortened_formulas(lengths, cosines):
    """Draw the mean cosine of each shortened formula's W_hh gradient with the true one, against sequence length.

    `cosines` maps a formula's name to an array of (len(lengths), seeds).
    """
    figure, axis = new_figure(width=8.0, height=3.8)
    labels = {}
    axis.axhline(1, color=BASELINE, linewidth=1.2)
    for (name, values), colour, style in zip(cosines.items(), SERIES, LINES, strict=False):
        values = np.asarray(values)
        (line,) = axis.plot(lengths, values.mean(axis=1), color=colour, linestyle=style, marker="o", markersize=4)
        axis.fill_between(lengths, *np.quantile(values, [0.1, 0.9], axis=1), color=colour, alpha=0.12, linewidth=0)
        labels[line] = name
    axis.set(
        xlabel="sequence length T (steps)", ylabel="cosine with the true $W_{hh}$ gradient", ylim=(-0.75, 1.1),
        title="The shortened formulas point elsewhere as soon as T > 2",
    )
    label_ends(axis, labels)
    return figure
