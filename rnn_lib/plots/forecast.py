"""Series and forecasts of them."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from rnn_lib.plots.style import BASELINE, INPUT, LINES, OUTPUT, SERIES, TARGET, label_ends, new_figure
from rnn_lib.plots.words import courses, listing, number, say


def curves(x, values, title, xlabel="time step", ylabel="value", log=False):
    """Draw {label: y} against x, each curve labelled where it ends; `log`: a logarithmic y axis."""
    figure, axis = new_figure()
    for i, (label, y) in enumerate(values.items()):
        axis.plot(x, np.ravel(y), color=SERIES[i % len(SERIES)], linestyle=LINES[i % len(LINES)], label=label)
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel, yscale="log" if log else "linear")
    label_ends(axis)
    return say(figure, f"{title}: from {xlabel} {number(x[0])} to {number(x[-1])}, the {ylabel} of {courses(values)}.")


def stacked_series(x, values, title, xlabel="time step"):
    """Draw {label: y} one above the other over the same x, the label on each y axis."""
    figure, axes = new_figure(len(values), 1, height=1.9 * len(values) + 0.4, sharex=True, squeeze=False)
    for axis, (label, y) in zip(axes[:, 0], values.items(), strict=True):
        y = np.ravel(y)
        axis.plot(x[len(x) - len(y) :], y, color=TARGET, linewidth=1.2)
        axis.set_ylabel(label)
    axes[0, 0].set_title(title)
    axes[-1, 0].set_xlabel(xlabel)
    return say(figure, f"{title}: from {xlabel} {number(x[0])} to {number(x[-1])}, {courses(values)}.")


def windows_on_timeline(series, length, stride=1, title="Each window is a piece of the series, its target one later"):
    """Draw a series, (N,), and below it the windows that `data.windows` cuts from it, each where it was cut."""
    series = np.ravel(series)
    starts, time = range(0, len(series) - length, stride), np.arange(1, len(series) + 1)
    drop = 1.6 * np.ptp(series)  # from row to row
    figure, axis = new_figure(height=1.4 + 0.75 * (len(starts) + 1))
    axis.plot(time, series, color=TARGET, linewidth=1.6)
    for row, start in enumerate(starts, start=1):
        x, target = slice(start, start + length), slice(start + 1, start + length + 1)
        axis.plot(time[target], series[target] - row * drop, "s", color=TARGET, markersize=6, fillstyle="none")
        axis.plot(time[x], series[x] - row * drop, "o-", color=INPUT, linewidth=1, markersize=3)
    rows = ["the series", *(f"window {b}" for b in range(len(starts)))]
    axis.set_yticks([series.mean() - row * drop for row in range(len(rows))], rows)
    axis.tick_params(axis="y", length=0)
    axis.plot([], [], "o-", color=INPUT, linewidth=1, markersize=3, label="inputs")
    axis.plot([], [], "s", color=TARGET, fillstyle="none", label="their targets")
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=10)
    axis.set(title=title, xlabel="time step")
    axis.grid(False, axis="y")
    axis.spines["left"].set_visible(False)
    firsts = listing(start + 1 for start in starts)
    return say(figure, f"{title}: a series of {len(series)} values and below it the windows of {length} inputs that "
                       f"begin at step {firsts}; the target of each input is the value that follows it.")


def forecasts(
    target, outputs, title, baselines=None, warm_up=0, time=None, xlabel="time step", ylabel="value", *,
    label="target", shaded="warm-up",
):
    """Draw a target and forecasts of it; a forecast that is shorter than the target belongs to its end.

    outputs    {label: values} of networks, in green
    baselines  {label: values} of anything simpler, in grey
    warm_up    how many first steps of the target the network has read; they are shaded, with the word `shaded`
    label      what the target is called
    """
    target = np.ravel(target)
    time = np.arange(1, len(target) + 1) if time is None else time
    figure, axis = new_figure(height=3.6)
    axis.plot(time, target, color=TARGET, linewidth=3, alpha=0.8, label=label)
    for colour, group in ((BASELINE, baselines or {}), (OUTPUT, outputs)):
        for i, (name, y) in enumerate(group.items()):
            y = np.ravel(y)
            style = LINES[(i + (colour == BASELINE)) % len(LINES)]
            axis.plot(time[len(time) - len(y) :], y, color=colour, linestyle=style, linewidth=1.6, label=name)
    if warm_up:
        shade_warm_up(axis, time[0], time[warm_up - 1], shaded)
    axis.set(title=title, xlabel=xlabel, ylabel=ylabel)
    axis.margins(x=0, y=0.14)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    label_ends(axis)
    told = [distance(name, np.ravel(y), target) for name, y in {**(baselines or {}), **outputs}.items()]
    return say(figure, f"{title}: beside the {label}, {'; '.join(told)}.")


def distance(name, forecast, target):
    """Say how far a forecast of a target's end is from it: at first, on the whole way, and in the last quarter."""
    errors = np.abs(forecast - target[len(target) - len(forecast) :])
    n, close = len(errors), np.argmax(errors > np.ptp(target) / 10)
    first = f"within a tenth of the range in steps 1 to {close}, then " if close > 2 else ""  # fewer: chance
    last = number(errors[-max(n // 4, 1) :].max())
    return f"{name} is {first}off by up to {number(errors.max())} in {n} steps, by up to {last} in the last quarter"


def shade_warm_up(axis, start, end, text="warm-up"):
    """Shade the steps in which the network reads the truth."""
    axis.axvspan(start, end, color=INPUT, alpha=0.08, linewidth=0)
    axis.text(
        (start + end) / 2, 0.98, text, color=INPUT, ha="center", va="top", fontsize=9,
        transform=axis.get_xaxis_transform(),
    )
