"""How training went: loss curves."""

import numpy as np

from rnn_lib.plots.style import BASELINE, LINES, SERIES, headline, label_ends, new_figure
from rnn_lib.plots.words import number, say, small

JUMP = 1.5  # on data that are the same in every epoch; where a run jumps like that, its end is an accident of rounding


def loss_curves(histories, title="Loss during training", baselines=None, unit="mean squared error"):
    """Draw the loss by epoch, on a logarithmic axis, one curve for each entry of {label: History}.

    `baselines` is {label: loss}: horizontal grey lines. A run that diverged ends in a cross.
    """
    figure, axis = new_figure()
    draw_losses(axis, histories, baselines, unit)
    axis.set_title(title)
    label_ends(axis)
    rivals = "".join(f"; {label} is {number(loss)}" for label, loss in (baselines or {}).items())
    return say(figure, f"{title}: {outcomes(histories)}{rivals}.")


def loss_grid(runs, title):
    """Draw loss curves side by side with the same axes: {heading: {label: History}}, one picture a heading.

    The labels are the same under each heading: one legend serves all.
    """
    figure, axes = new_figure(1, len(runs), height=3.2, sharey=True, squeeze=False)
    for axis, (heading, histories) in zip(axes[0], runs.items(), strict=True):
        draw_losses(axis, histories, unit="mean squared error" if axis is axes[0, 0] else "")
        axis.set_title(heading, fontweight="normal")
    axes[0, -1].legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=10, handlelength=3)
    headline(figure, title)
    told = (f"with {heading}, {outcomes(histories, JUMP)}" for heading, histories in runs.items())
    return say(figure, f"{title}: {'; '.join(told)}.")


def outcomes(histories, jump=np.inf):
    """Say how each training of {label: History} went."""
    return ", ".join(f"{label} {outcome(history, jump)}" for label, history in histories.items())


def outcome(history, jump=np.inf):
    """Say from where to where a loss went, or that it jumps: rises to `jump` times its value in one epoch."""
    losses = np.asarray(history.loss)
    if history.diverged or not len(losses):
        return f"diverges in epoch {len(losses) + 1}"
    if (losses[11:] > jump * losses[10:-1]).any():
        return "jumps"
    first, last = small(losses[0]), small(losses[-1])
    if first == last:
        return f"stays near {last}"
    return f"{'falls' if losses[-1] < losses[0] else 'rises'} from {first} to {last}"


def draw_losses(axis, histories, baselines=None, unit="mean squared error", colours=SERIES):
    """Draw the curves of `loss_curves` into `axis`, in these colours."""
    for i, (label, history) in enumerate(histories.items()):
        colour, style = colours[i % len(colours)], LINES[i % len(LINES)]
        losses = np.asarray(history.loss)
        epochs = np.arange(1, len(losses) + 1)
        if not len(losses):  # no curve to carry the label
            axis.text(0.5, 0.95 - 0.08 * i, f"{label}: diverged in epoch 1", color=colour, transform=axis.transAxes)
            continue
        axis.plot(epochs, losses, color=colour, linestyle=style, label=label + " (diverged)" * bool(history.diverged))
        if history.diverged:
            axis.plot(epochs[-1], losses[-1], "x", color=colour, markersize=10, label="_")
    last = max([len(history.loss) for history in histories.values()] + [1])
    for label, loss in (baselines or {}).items():
        axis.plot([1, last], [loss, loss], color=BASELINE, linestyle="--", linewidth=1.2, label=label)
    axis.set(yscale="log", xlabel="epoch", ylabel=unit)
