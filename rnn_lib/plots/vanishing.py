"""Gradients that vanish or explode: norms by lag, and the cliff in a loss."""

import numpy as np

from rnn_lib.plots.style import BACKWARD, BASELINE, LINES, SERIES, TARGET, headline, label_ends, new_figure
from rnn_lib.plots.words import number, order, say, small


def by_lag(measured, title, predicted=None, ylabel="norm of the gradient, lag 0 = 1"):
    """Draw norms by lag on a logarithmic axis: {label: norms at lag 0, 1, 2, …}, measured as dots.

    `predicted` is {label: norms}, thin grey lines; a label that is also in `measured` is not written again.
    """
    figure, axis = new_figure(height=3.8)
    axis.set_yscale("log")
    for label, norms in (predicted or {}).items():
        name = "_" if label in measured else label
        axis.plot(norms, color=BASELINE, linewidth=1.2, linestyle="-" if label in measured else "--", label=name)
    for (label, norms), colour, marker in zip(measured.items(), SERIES, "os^Dvx", strict=False):
        axis.plot(norms, marker, color=colour, markersize=4, label=label)
    axis.set(title=title, xlabel="lag k: steps back from the error", ylabel=ylabel)
    label_ends(axis)
    told = [f"with {label} it is {way_back(norms)}" for label, norms in measured.items()]
    for label, norms in (predicted or {}).items():
        if label not in measured:
            told.append(f"on the line {label} it is {way_back(norms)}")
        elif not np.allclose(measured[label], norms, rtol=0.01):
            told.append(f"for {label} it should be {way_back(norms)}")
    return say(figure, f"{title}: {'; '.join(told)}.")


def way_back(norms):
    """Say what becomes of a gradient on its way back: its highest and its last norm, and the factor of a mean step."""
    peak, last = np.argmax(norms), len(norms) - 1
    grows_first = 0 < peak < last and norms[peak] > 1.05 * norms[0]
    rises = f"up to {number(norms[peak])} at lag {peak}, then " if grows_first else ""
    factor = (norms[-1] / norms[0]) ** (1 / max(last, 1))
    return f"{rises}{order(norms[-1])} at lag {last}, a mean factor of {number(factor)} a step"


def cliff(w, b, loss, title, cut):
    """Draw a loss, (n, m), over two weights, (n,) and (m,): from above, and along row `cut` from the side."""
    figure, axes = seen_from_above(w, b, loss, title)
    axes[0].axhline(w[cut], color=TARGET, linestyle=":", linewidth=1.2)
    axes[1].plot(b, loss[cut], color=TARGET)
    axes[1].set(xlabel="bias b", ylabel="loss")
    axes[1].set_title(f"Along the dotted line, w = {w[cut]:.2f}", fontweight="normal", fontsize=11)
    steepest = np.argmax(np.abs(np.diff(loss[cut])))
    before, after = ((number(loss[cut, i]), number(b[i])) for i in (steepest, steepest + 1))
    ends = f"from {number(loss[cut, 0])} to {number(loss[cut, -1])}"
    return say(figure, f"{title}: along w = {w[cut]:.2f} it goes {ends} and is steepest "
                       f"between {before[0]} at b = {before[1]} and {after[0]} at b = {after[1]}.")


def descents(w, b, loss, ways, title):
    """Draw the ways of trainings over that loss, and their losses by step: {label: ((steps, 2), (steps,))}."""
    figure, axes = seen_from_above(w, b, loss, title)
    for (label, (path, losses)), colour, style in zip(ways.items(), (BACKWARD, SERIES[0]), LINES, strict=False):
        draw_path(axes[0], path, colour, style)
        axes[1].plot(losses, color=colour, linestyle=style, label=label)
    axes[1].set(xlabel="step", ylabel="loss")
    label_ends(axes[1])
    told = []
    for label, (path, losses) in ways.items():
        largest = np.linalg.norm(np.diff(path, axis=0), axis=1).max()
        told.append(f"{label}, the largest step is {number(largest)} and the loss ends at {small(losses[-1])}")
    return say(figure, f"{title}: {'; '.join(told)}.")


def seen_from_above(w, b, loss, title):
    """Return (figure, axes): the loss from above on the left, an empty place on the right."""
    figure, axes = new_figure(1, 2, height=3.8, gridspec_kw={"width_ratios": [1.2, 1]})
    draw_surface(axes[0], w, b, loss)
    axes[0].set(xlim=(b[0], b[-1]), ylim=(w[0], w[-1]))
    axes[0].autoscale(False)
    headline(figure, title)
    return figure, axes


def draw_surface(axis, w, b, loss):
    """Draw a loss over (b, w) in shades of grey: the lighter, the lower."""
    axis.grid(False)
    extent = (b[0], b[-1], w[0], w[-1])
    axis.imshow(loss, origin="lower", aspect="auto", extent=extent, cmap="Greys", vmin=0, vmax=2.6)
    axis.set(xlabel="bias b", ylabel="weight w")


def draw_path(axis, path, colour, style="-"):
    """Draw the way of a training over the surface; steps that leave the picture end at its edge."""
    path = np.asarray(path)
    axis.plot(path[:, 1], path[:, 0], color=colour, linestyle=style, marker="o", markersize=3.5)
