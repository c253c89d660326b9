"""Figures of notebook 12: how a scan doubles its reach, and who remembers and counts."""

import numpy as np

from rnn_lib.plots.style import BASELINE, HIDDEN, INPUT, TARGET, new_figure
from rnn_lib.plots.words import listing, say


def scan_rounds(T):
    """Draw the rounds of a scan over T steps: which two pieces each round joins, and how far each then reaches."""
    figure, axis = new_figure(height=3.2)
    steps, reach, rounds = np.arange(1, T + 1), 1, 0
    axis.plot(steps, 0 * steps, "s", color=INPUT, markersize=9)
    while reach < T:
        rounds += 1
        for t in steps:
            axis.plot([t, t], [1 - rounds, -rounds], color=BASELINE, linewidth=1)
            if t > reach:
                axis.plot([t - reach, t], [1 - rounds, -rounds], color=HIDDEN, linewidth=1.6)
        reach *= 2
        axis.plot(steps, 0 * steps - rounds, "o", color=HIDDEN, markersize=9)
        for t in steps:
            axis.text(t, -0.14 - rounds, f"{max(1, t - reach + 1)}–{t}", fontsize=8, color=TARGET, ha="center",
                      va="top", zorder=5, bbox={"color": "white", "pad": 0.5})
    title = f"{rounds} rounds for {T} steps: each round doubles how far a state looks back"
    axis.set(title=title, xlabel="time step t", xticks=steps, xlim=(0.6, T + 0.7), ylim=(-rounds - 0.6, 0.5))
    axis.set_yticks([-k for k in range(rounds + 1)], ["steps alone", *(f"round {k}" for k in range(1, rounds + 1))])
    axis.grid(False)
    return say(figure, f"{title}: after round {rounds} step {T} knows steps 1 to {T}.")


def accuracy_table(right, title):
    """Draw {network: {question: shares of right answers, one for each start}} as a table shaded by the worst start."""
    networks, questions = [*right], [*next(iter(right.values()))]
    worst = np.array([[min(right[network][question]) for question in questions] for network in networks])
    figure, axis = new_figure(height=3.8)
    axis.imshow(worst, cmap="Oranges", vmin=0, vmax=1.6, aspect="auto")
    for y, network in enumerate(networks):
        for x, question in enumerate(questions):
            axis.text(x, y, share_range(right[network][question]), ha="center", va="center", color=TARGET,
                      fontsize=10, fontweight="bold" if worst[y, x] > 0.95 else "normal")
    axis.set_xticks(range(len(questions)), questions, fontsize=8)
    axis.set_yticks(range(len(networks)), networks)
    axis.tick_params(length=0)
    axis.grid(False)
    axis.set(title=title)
    found = [f"{network} on {listing([q for q, w in zip(questions, row, strict=True) if w > 0.95]) or 'none'}"
             for network, row in zip(networks, worst, strict=True)]
    return say(figure, f"{title}. All starts above 95 %: {'; '.join(found)}.".replace("\n", " "))


def share_range(shares):
    """Write shares as "100 %", or as a range of them."""
    low, high = (f"{100 * value:.0f}" for value in (min(shares), max(shares)))
    return f"{low} %" if low == high else f"{low} to {high} %"
