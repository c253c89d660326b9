"""Gates: what they are for, when they open, and what the networks that have them remember."""

import numpy as np

from rnn_lib.plots.style import BASELINE, HIDDEN, LINES, SERIES, TARGET, headline, new_figure
from rnn_lib.plots.words import listing, say

MARKERS = "os^D"


def registers(wanted, outs, title):
    """Draw what some registers give out, {label: (T,)}, over what was wanted of them, (T,), side by side."""
    wanted = np.ravel(wanted)
    figure, axes = new_figure(1, len(outs), height=3.0, sharey=True, squeeze=False)
    steps = np.arange(1, len(wanted) + 1)
    for axis, (label, out) in zip(axes[0], outs.items(), strict=True):
        axis.axhline(0, color=BASELINE, linewidth=0.8)
        axis.vlines(steps, 0, out, color=HIDDEN, linewidth=5)
        axis.plot(steps, wanted, "o", color=TARGET, markersize=5, fillstyle="none")
        axis.set_title(label, fontweight="normal", fontsize=11)
        axis.set(xlabel="time step t", xticks=[1, len(wanted)])
    axes[0, 0].set_ylabel("given out; circles: wanted")
    headline(figure, title)
    right = [f"{label}, {np.isclose(out, wanted, atol=0.1).sum()}" for label, out in outs.items()]
    return say(figure, f"{title}. Of {len(wanted)} steps right: {'; '.join(right)}.")


def recall(shares, title, chance=0.25):
    """Draw accuracies by the length that was trained: {label: {length: one accuracy a start}}, marks for starts."""
    figure, axis = new_figure(height=3.8)
    lags = sorted({lag for by_lag in shares.values() for lag in by_lag})
    width = 0.5 / len(shares)
    for i, (label, by_lag) in enumerate(shares.items()):
        at = [(lags.index(lag) + (i - (len(shares) - 1) / 2) * width, value) for lag in by_lag for value in by_lag[lag]]
        colour, marker = SERIES[i % len(SERIES)], "os^Dvx*P"[i % 8]
        axis.plot(*np.transpose(at), marker, color=colour, markersize=7, fillstyle="none", label=label)
    axis.axhline(chance, color=BASELINE, linestyle=":", linewidth=1.2)
    axis.text(len(lags) - 0.55, chance + 0.02, "chance", color=BASELINE, fontsize=10, ha="right")
    axis.set(title=title, xlabel="T: how many symbols", ylabel="accuracy", ylim=(0, 1.04))
    axis.set_xticks(range(len(lags)), lags)
    axis.set_xlim(-0.5, len(lags) - 0.5)
    axis.grid(False, axis="x")
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=10)
    all_learn = [f"{label} at {listing(good)}" for label, by_lag in shares.items()
                 if (good := [lag for lag in by_lag if min(by_lag[lag]) > 0.95])]
    return say(figure, f"{title}. All starts above 95 per cent: {'; '.join(all_learn) or 'nowhere'}.")


def by_length(lengths, curves, trained_at, title):
    """Draw accuracies against the length asked, (n,): {label: one (n,) for each start}, a panel for each label.

    `trained_at` is the one length that the networks were trained on.
    """
    figure, axes = new_figure(1, len(curves), height=3.0, sharey=True, squeeze=False)
    for axis, (label, starts) in zip(axes[0], curves.items(), strict=True):
        axis.axvline(trained_at, color=TARGET, linewidth=1, linestyle=":")
        for accuracy, colour, style in zip(starts, SERIES, LINES, strict=False):
            axis.plot(lengths, accuracy, color=colour, linestyle=style, linewidth=1.2)
        axis.set(xlabel="length asked", ylim=(-0.03, 1.05), xticks=[lengths[0], trained_at, lengths[-1]])
        axis.set_title(label, fontweight="normal", fontsize=11)
    axes[0, 0].set_ylabel("accuracy")
    headline(figure, title)
    near = np.abs(np.asarray(lengths) - trained_at) <= 3
    hold = [label for label, starts in curves.items() if np.min([np.asarray(a)[near].min() for a in starts]) > 0.9]
    return say(figure, f"{title}. Within three steps of length {trained_at}, all starts stay above 90 per cent: "
                       f"{listing(hold) if hold else 'none of them'}.")


def planes(states, title):
    """Draw how states move in time, in the plane in which they differ most: {label: (T, B, H)}, a panel for each label.

    Every one of the B has a colour and a marker; a ring shows where it ends, a line joins its steps.
    """
    figure, axes = new_figure(1, len(states), height=3.6, squeeze=False)
    for axis, (label, h) in zip(axes[0], states.items(), strict=True):
        flat = h.reshape(-1, h.shape[-1]).astype(float)
        centred = flat - flat.mean(axis=0)
        plane = (centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T).reshape(*h.shape[:2], 2)
        for b, colour in zip(range(h.shape[1]), SERIES, strict=False):
            axis.plot(*plane[:, b].T, color=colour, marker=MARKERS[b % 4], markersize=3, linewidth=0.6)
            axis.plot(*plane[-1, b], "o", color=colour, markersize=13, fillstyle="none", markeredgewidth=2)
        axis.set(xlabel="direction 1", xticks=[], yticks=[])
        axis.set_title(label, fontweight="normal", fontsize=11)
        axis.grid(False)
    axes[0, 0].set_ylabel("direction 2")
    headline(figure, title)
    return say(figure, f"{title}. Per step: {'; '.join(f'{label}, {journey(h)}' for label, h in states.items())}.")


def journey(h):
    """Say how far states, (T, B, H), move in a step, compared with the largest distance between two of the B."""
    step = np.linalg.norm(np.diff(h, axis=0), axis=2).mean()
    apart = np.linalg.norm(h[:, :, None] - h[:, None], axis=3).max()
    return "a large part of the distance between them" if step > apart / 5 else "a small part"


def gate_map(gates, title, rows="unit"):
    """Draw gates over time as heat maps, {label: (T, H)}, one row per unit: white closed (0), black open (1).

    The units stand in the order of their mean in the first map, the most open on top. `rows` says what else a row is.
    """
    figure, axes = new_figure(1, len(gates), height=3.4, sharey=True, squeeze=False)
    order = np.argsort(-next(iter(gates.values())).mean(axis=0), kind="stable")
    for axis, (label, gate) in zip(axes[0], gates.items(), strict=True):
        T, H = gate.shape
        axis.grid(False)
        image = axis.imshow(gate.T[order], aspect="auto", cmap="Greys", vmin=0, vmax=1,
                            extent=(0.5, T + 0.5, H - 0.5, -0.5))
        axis.set_title(label, fontweight="normal", fontsize=11)
        axis.set(xlabel="time step t", xticks=[1, *range(T // 4, T + 1, T // 4)], yticks=sorted({0, H - 1}))
    figure.colorbar(image, ax=axes[0, -1], ticks=[0, 1], pad=0.02)
    axes[0, 0].set_ylabel(rows)
    headline(figure, title)
    return say(figure, f"{title}. Drawn over {T} steps: {listing(gates)}.")
