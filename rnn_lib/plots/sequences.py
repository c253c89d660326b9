"""Hidden states over time as curves and as a heat map, and what a network draws on its own."""

import numpy as np

from rnn_lib.plots.style import BASELINE, HIDDEN, INPUT, LINES, OUTPUT, TARGET, label_ends, new_figure
from rnn_lib.plots.words import course, number, say

STATE_COLOURS = "PuOr_r"  # orange above zero, as every hidden state; violet below
MARKERS = "os^D"


def pulse_memory(X, remembering, forgetful):
    """Draw what one input, (T, 1, 1), leaves in the states, (T+1, 1, H), with W_hh and with W_hh = 0, side by side."""
    figure, axes = new_figure(2, 2, height=4.4, sharex=True, sharey="row", gridspec_kw={"height_ratios": [1, 2.2]})
    limit = 1.1 * np.abs([remembering, forgetful]).max()
    for column, states in zip(axes.T, (remembering, forgetful), strict=True):
        draw_input(column[0], X)
        draw_states(column[1], states)
        column[1].set(xlabel="time step t")
        column[1].set_ylim(-limit, limit)
        label_ends(column[1])
    titles = (f"With $W_{{hh}}$ the pulse echoes for {echo(X, remembering)} steps",
              f"With $W_{{hh}} = 0$ it echoes for {echo(X, forgetful)}")
    axes[0, 0].set(title=titles[0], ylabel="input x")
    axes[0, 1].set(title=titles[1])
    axes[1, 0].set_ylabel("hidden state h")
    unit = remembering[:, 0, 0]
    pulse, loud = np.flatnonzero(X)[-1] + 1, np.abs(unit) > 0.01
    turns = np.count_nonzero(np.diff(np.sign(unit[loud])))
    return say(figure, f"{titles[0]}; w{titles[1][1:]}: unit 0 is {number(unit[pulse])} at the pulse of step {pulse} "
                       f"and changes its sign {turns} times before it has faded to 0.01.")


def echo(X, hidden_states, floor=0.01):
    """Return for how many steps after the last input that is not zero some state exceeds `floor` in size."""
    last_input = np.flatnonzero(X)[-1] + 1  # the step t; X[0] is x_1
    loud = np.flatnonzero((np.abs(hidden_states) > floor).any(axis=(1, 2)))
    return int(max(loud[-1] - last_input, 0)) if len(loud) else 0


def state_map(hidden_states, title):
    """Draw one sequence's states, (T+1, 1, H), as a heat map: one row per unit, one column per step."""
    figure, axis = new_figure(height=3.6)
    figure.colorbar(draw_map(axis, hidden_states), ax=axis, label="hidden state", ticks=[-1, 0, 1], pad=0.02)
    axis.set(title=title, xlabel="time step t")
    steps, _, H = hidden_states.shape
    silent = np.flatnonzero(np.abs(hidden_states).max(axis=(1, 2)))
    start = f"all zero up to step {silent[0] - 1}, then " if len(silent) and silent[0] > 1 else ""
    return say(figure, f"{title}: the states of {H} units at steps 0 to {steps - 1}, {start}between "
                       f"{number(hidden_states.min())} and {number(hidden_states.max())}.")


def before_and_after(warm_up, truth, before, after, hidden_states):
    """Draw a network's free-running forecasts before and after training, and its states in the second.

    warm_up        the values it read, (W,)
    truth          the values that really follow, (N,), as are the forecasts `before` and `after`
    hidden_states  its states in the trained run, (W+N, 1, H), one for each time step
    """
    warm_up, truth, before, after = map(np.ravel, (warm_up, truth, before, after))
    heights = {"height_ratios": [1, 1, 0.9]}
    figure, axes = new_figure(3, 1, height=6.6, sharex=True, gridspec_kw=heights)
    seen = np.arange(1, len(warm_up) + 1)
    ahead = len(warm_up) + np.arange(1, len(truth) + 1)
    for axis, forecast in zip(axes, (before, after), strict=False):
        axis.axvspan(1, len(warm_up), color="#F3F3F1", zorder=0)
        axis.plot(seen, warm_up, color=INPUT, linewidth=2.5, label="_")
        axis.plot(ahead, forecast, color=OUTPUT, linewidth=3, label="forecast")
        axis.plot(ahead, truth, color=TARGET, linewidth=1.2, linestyle="--", label="truth")
        axis.set(ylim=(-1.35, 1.35), yticks=[-1, 0, 1], ylabel="value")
        label_ends(axis)
    top = {"fontsize": 10, "va": "center", "bbox": {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}}
    axes[0].text(len(warm_up) / 2, 1.2, "it reads the wave", color=INPUT, ha="center", **top)
    axes[0].text(ahead[0] + 2, 1.2, "from here on it hears only itself", color=OUTPUT, **top)
    steps = f"{len(truth)} steps on its own"
    titles = (f"Before training, {steps}: off by up to {np.abs(before - truth).max():.1f}",
              f"After training, {steps}: off by at most {np.abs(after - truth).max():.2f}")
    for axis, title in zip(axes, titles, strict=False):
        axis.set_title(title)
    by_peak = np.argsort(hidden_states[-len(truth) // 4 :, 0].argmax(axis=0), kind="stable")
    draw_map(axes[2], hidden_states[:, :, by_peak], first_step=1)
    axes[2].set_title("What it carries meanwhile: one row per hidden unit, orange +1, violet −1")
    axes[2].set(xlabel="time step t", yticks=[])
    axes[2].axvline(len(warm_up) + 0.5, color=TARGET, linewidth=1)
    quarter = len(truth) // 4
    swings = np.ptp(hidden_states[-quarter:, 0], axis=0)
    return say(figure, f"{titles[0]}, and the forecast's last quarter {course(before[-quarter:])}. {titles[1]}; "
                       f"meanwhile its {len(swings)} units swing by {number(swings.min())} to {number(swings.max())}.")


def draw_input(axis, X):
    """Draw a sequence's input, (T, 1, 1), as stems."""
    x = np.ravel(X)
    steps = np.arange(1, len(x) + 1)
    axis.axhline(0, color=BASELINE, linewidth=0.8)
    axis.vlines(steps, 0, x, color=INPUT, linewidth=2)
    axis.plot(steps, x, "o", color=INPUT, markersize=4)


def draw_states(axis, hidden_states):
    """Draw one sequence's states, (T+1, 1, H), a mark for each step from t = 0 on, a line to guide the eye."""
    axis.axhline(0, color=BASELINE, linewidth=0.8)
    for unit, values in enumerate(hidden_states[:, 0].T):
        shade = HIDDEN if unit == 0 else darker(HIDDEN, 0.75**unit)
        axis.plot(values, color=shade, linestyle=LINES[unit % len(LINES)], linewidth=0.8, label="_")
        axis.plot(values, MARKERS[unit % len(MARKERS)], color=shade, markersize=4, label=f"unit {unit}")


def draw_map(axis, hidden_states, first_step=0):
    """Draw a heat map of one sequence's states and return the image."""
    steps, _, H = hidden_states.shape
    frame_map(axis, H, first_step, first_step + steps - 1)
    return draw_cells(axis, hidden_states)


def frame_map(axis, H, first, last):
    """Give axes what a heat map of H units at steps `first` to `last` needs."""
    axis.grid(False)
    axis.set(xlim=(first - 0.5, last + 0.5), ylim=(H - 0.5, -0.5), ylabel="hidden unit", yticks=[0, H - 1])


def draw_cells(axis, hidden_states):
    """Draw the states into such axes, and return the image."""
    extent = (*axis.get_xlim(), *axis.get_ylim())
    return axis.imshow(hidden_states[:, 0].T, aspect="auto", cmap=STATE_COLOURS, vmin=-1, vmax=1, extent=extent)


def darker(colour, factor):
    """Return a "#RRGGBB" colour with its brightness multiplied by `factor`."""
    return "#" + "".join(f"{int(int(colour[i : i + 2], 16) * factor):02X}" for i in (1, 3, 5))
