"""Figures about gradients: the walk back through time, and how wrong a shortened formula is."""


import numpy as np

from rnn_lib.plots.arrows import draw_arrows
from rnn_lib.plots.stage import stage
from rnn_lib.plots.style import BACKWARD, BASELINE, HIDDEN, INPUT, LINES, OUTPUT, SERIES, ink, label_ends, new_figure
from rnn_lib.plots.words import courses, say

COLUMN, FIRST, START = 1.95, 2.0, 0.45  # width of a time step, the places of h_1 and of h_0: inches, the axes' unit
BEFORE = 0.85  # how far z_t lies to the left of h_t
HEIGHT = 6.45
Y_ROW, H_ROW, X_ROW = 5.55, 4.25, 3.3  # heights of outputs, of states and pre-activations, of inputs
RADIUS = 0.15  # of a node
TINT = "#FBEFE6"  # a pale vermillion behind the step where the walk stands
PAST, FORWARD = "#595959", "#BDBDBD"  # numbers where the walk has been, arrows of the forward pass
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
    figure, axis = network(T, t)
    axis.text(0.1, HEIGHT - 0.2, where_it_stands(ledger, t), fontsize=12, weight="bold", va="center")
    for s in range(max(t, 1), T + 1):
        draw_step(axis, s, ledger[s], T, strong=s == t)
    if t == 0:
        draw_carry(axis, 0, ledger[0]["carry"], strong=True)
    arrows = [*backward_arrows(ledger, t)]
    if arrows:
        starts, ends, strong = zip(*arrows, strict=True)
        styles = ["-" if s else "--" for s in strong]  # dashed where the walk was
        draw_arrows(axis, starts, ends, [BACKWARD] * len(arrows), strong, styles)
    draw_sums(axis, ledger, t)
    return say(figure, f"{where_it_stands(ledger, t)}: {what_it_found(ledger, t)}.")


@stage
def network(T, t):
    """Make the unrolled network with the place where the walk stands, and the table for what each step adds."""
    width = state(T + 1) + BEFORE + 0.2
    figure, axis = new_figure(width=width, height=HEIGHT, layout="none", gridspec_kw=FULL)
    axis.set(xlim=(0, width), ylim=(0, HEIGHT))
    axis.axis("off")
    if 1 <= t <= T:
        axis.axvspan(before(t) - 0.35, before(t + 1) - 0.35, 0.03, 0.93, color=TINT, linewidth=0)
    draw_nodes(axis, T)
    starts, ends = zip(*forward_arrows(T), strict=True)
    draw_arrows(axis, starts, ends, [FORWARD] * len(starts), [False] * len(starts), ["-"] * len(starts))
    for step in range(1, T + 1):
        axis.text(before(step) - 0.25, 2.5, f"step {step} adds", va="center", fontsize=9.5)
    heading = "gradient" if t == 0 else "sum so far"
    axis.text(before(T + 1) - 0.25, 2.5, heading, va="center", fontsize=9.5, weight="bold")
    edges = [y + (0.27 if name in ("dW_xh", "dW_hh") else 0.17) for name, y in SUMS.items()]
    axis.hlines(edges, 0.1, state(T + 1) + BEFORE, color="#E5E5E5", linewidth=1)
    for name, y in SUMS.items():
        number(axis, 0.1, y, name, True, size=10)
    return figure, axis


def what_it_found(ledger, t):
    """The numbers of the step where the walk stands, or of all that it leaves behind when it is over."""
    T = len(ledger) - 1
    if t > T:
        return f"the network of {T} steps has its states and outputs, and no gradient yet"
    if t == 0:
        found = {name: sum(ledger[step][name] for step in range(1, T + 1)) for name in SUMS} | ledger[0]
    else:
        found = {f"{name.removesuffix('_t')}_{t}" if name.endswith("_t") else name: ledger[t][name]
                 for name in ("dy_t", "from_y", "carry", "dh_t", "dz_t")}
    return ", ".join(f"{name} = ({', '.join(text(array).split())})" for name, array in found.items())


def where_it_stands(ledger, t):
    """The title: what the walk has just found."""
    if t == len(ledger):
        return "Forward pass done: the walk back will start at the last step, with carry = 0"
    if t == 0:
        return "Walk over: the five sums are the gradients, and the carry left over is ∂L/∂h₀"
    if t == len(ledger) - 1:
        return f"Step {t}, the last: road 1 alone is dh_{t}; back through tanh it is dz_{t}"
    return f"Step {t}: the two roads add up to dh_{t}; back through tanh it is dz_{t}"


def state(t):
    """The x position of h_t and y_t; step 0 is the initial state."""
    return START if t == 0 else FIRST + COLUMN * (t - 1)


def before(t):
    """The x position of z_t and x_t, between h_{t-1} and h_t, as in images/two_roads.svg."""
    return state(t) - BEFORE


def text(array, upright=False):
    """Numbers to four decimals, without a negative zero: a line for each row, or, upright, for each number."""
    array = np.atleast_2d(np.round(array, 4) + 0.0)
    rows = array.reshape(-1, 1) if upright else array
    return "\n".join(" ".join(f"{number:7.4f}" for number in row) for row in rows)


def draw_nodes(axis, T):
    """The nodes of the unrolled network."""
    for name, y, colour, place, first in (("y", Y_ROW, OUTPUT, state, 1), ("h", H_ROW, HIDDEN, state, 0),
                                          ("z", H_ROW, BASELINE, before, 1), ("x", X_ROW, INPUT, before, 1)):
        steps = range(first, T + 1)
        axis.scatter([place(t) for t in steps], [y] * len(steps), s=(2 * RADIUS * 72) ** 2, facecolor="white",
                     edgecolor=colour, linewidth=2, zorder=3, marker="s" if name == "z" else "o")
        for t in steps:
            label = name + str(t).translate(SUBSCRIPTS)
            axis.text(place(t), y, label, fontsize=10.5, ha="center", va="center", zorder=4, family="monospace")


def forward_arrows(T):
    """The arrows of the forward pass, each as (start, end)."""
    for t in range(1, T + 1):
        yield (before(t), X_ROW + 0.22), (before(t), H_ROW - 0.22)
        yield (state(t) - 0.06, H_ROW + 0.22), (state(t) - 0.06, Y_ROW - 0.22)
        for left, right in ((state(t - 1), before(t)), (before(t), state(t))):
            yield (left + 0.22, H_ROW + 0.06), (right - 0.22, H_ROW + 0.06)


def backward_arrows(ledger, t):
    """The arrows of the walk back, as far as it has come, each as (start, end, does the walk stand there?).

    There is none where all that comes back is zero.
    """
    for s in range(t, len(ledger)):
        step = ledger[s]
        if s > 0 and step["from_y"].any():
            yield (state(s) + 0.06, Y_ROW - 0.22), (state(s) + 0.06, H_ROW + 0.22), s == t
        if s > 0 and step["dh_t"].any():
            yield (state(s) - 0.22, H_ROW - 0.06), (before(s) + 0.22, H_ROW - 0.06), s == t
        if step["carry"].any():
            yield (before(s + 1) - 0.22, H_ROW - 0.06), (state(s) + 0.22, H_ROW - 0.06), s == t


def draw_step(axis, t, step, T, strong):
    """The numbers that the walk computed at step t."""
    number(axis, state(t), Y_ROW + 0.28, f"dy_{t} = {text(step['dy_t']).strip()}", strong, ha="center")
    number(axis, state(t) + 0.17, (Y_ROW + H_ROW) / 2, f"from y_{t}\n{text(step['from_y'], upright=True)}", strong)
    number(axis, state(t), H_ROW - 0.48, f"dh_{t}\n{text(step['dh_t'], upright=True)}", strong, ha="center")
    number(axis, before(t), H_ROW + 0.48, f"dz_{t}\n{text(step['dz_t'], upright=True)}", strong, ha="center")
    draw_carry(axis, t, step["carry"] if t < T else None, strong)


def draw_carry(axis, t, carry, strong):
    """What comes back to h_t from z_{t+1}, above its arrow; None after the last step."""
    if carry is None:
        number(axis, state(t) + 0.33, H_ROW - 0.48, "carry = 0\nnothing after", strong)
    else:
        middle = (state(t) + before(t + 1)) / 2 + 0.02
        number(axis, middle, H_ROW - 0.48, f"carry\n{text(carry, upright=True)}", strong, ha="center")


def draw_sums(axis, ledger, t):
    """Below each step what it adds to every gradient; in the last column the sums so far, at the end the gradients."""
    T = len(ledger) - 1
    done = range(max(t, 1), T + 1)
    for name, y in SUMS.items():
        for step in done:
            number(axis, before(step) - 0.25, y, text(ledger[step][name]), step == t)
        number(axis, before(T + 1) - 0.25, y, text(sum(ledger[step][name] for step in done)) if done else " 0", True)


def number(axis, x, y, words, strong, size=8.5, ha="left"):
    """A quantity of the walk: bold vermillion where the walk stands, grey where it has been."""
    axis.text(
        x, y, words, color=ink(BACKWARD) if strong else PAST, weight="bold" if strong else "normal", fontsize=size,
        zorder=4, family="monospace", va="center", ha=ha,
    )


def shortened_formulas(lengths, cosines):
    """Draw the mean cosine of each shortened formula's W_hh gradient with the true one, against sequence length.

    `cosines` maps a formula's name to an array of (len(lengths), seeds).
    """
    means = {name: np.mean(values, axis=1) for name, values in cosines.items()}
    alike = np.compress(np.min([*means.values()], axis=0) > 0.99, lengths)
    where = f"as soon as T > {alike.max()}" if len(alike) else "at every length"
    title = f"The shortened formulas point elsewhere {where}"
    figure, axis = new_figure(width=8.0, height=3.8)
    labels = {}
    axis.axhline(1, color=BASELINE, linewidth=1.2)
    for (name, values), colour, style in zip(cosines.items(), SERIES, LINES, strict=False):
        values = np.asarray(values)
        (line,) = axis.plot(lengths, means[name], color=colour, linestyle=style, marker="o", markersize=4)
        axis.fill_between(lengths, *np.quantile(values, [0.1, 0.9], axis=1), color=colour, alpha=0.12, linewidth=0)
        labels[line] = name
    axis.set(
        xlabel="sequence length T (steps)", ylim=(-0.75, 1.1),
        ylabel="cosine with the true $W_{hh}$ gradient\n(mean; band: the middle 80 %)",
        title=title,
    )
    label_ends(axis, labels)
    return say(figure, f"{title}: from T = {lengths[0]} to {lengths[-1]}, the mean cosine of {courses(means)}.")
