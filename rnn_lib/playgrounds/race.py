"""The race's panel: who remembers, who counts, at lengths never seen?"""

from functools import partial

from matplotlib.ticker import MaxNLocator

from rnn_lib.playgrounds.panel import Panel, beside, choice, slider
from rnn_lib.plots.stage import stage
from rnn_lib.plots.style import BASELINE, TARGET, beside_ghosts, label_ends, new_figure
from rnn_lib.plots.words import say
from rnn_lib.race.running import MODELS, TASKS, run_race


@stage
def scenery(longest):
    """Make the axes for lengths up to `longest`."""
    figure, axis = new_figure(1, 1, 9, 3.4, layout="none")
    axis.set_position([0.09, 0.16, 0.58, 0.7])
    axis.set(ylim=(0, 1.04), xlim=(1, longest), yticks=[0, 0.5, 1], yticklabels=["0%", "50%", "100%"],
             xlabel="length at which it is asked (dashed: trained)", ylabel="right")
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure, axis


def draw_race(run, ghosts=()):
    """Draw the accuracy against the length at which the network is asked; `ghosts` are earlier runs, newest last."""
    longest = max(len(past.accuracy) for past in (*ghosts, run))
    figure, axis = scenery(longest)
    for past, colour, style in beside_ghosts(ghosts, run):
        axis.plot(range(1, len(past.accuracy) + 1), past.accuracy, color=colour, linestyle=style,
                  linewidth=2.2 if past is run else 1.4, label=past.label)
    axis.axhline(run.chance, color=BASELINE, linestyle=":", linewidth=1.4, label="_")
    axis.axvline(run.length, color=TARGET, linestyle="--", linewidth=1, label="_")
    axis.set_title(verdict(run), fontsize=11, y=1.05)
    label_ends(axis, dark=True)
    return say(figure, run.summary + beside(ghosts))


def verdict(run):
    """Return the finding as a title."""
    if not run.learned:
        return f"{run.label}: {'no better than guessing' if run.guesses else 'not learned'} at {run.length} steps"
    still = run.accuracy[-1] > (1 + run.chance) / 2
    return f"{run.label}: learned at {run.length} steps, {'still' if still else 'no longer'} known at the end"


def race_panel():
    """Train any of the networks on any of the tasks, and ask it at lengths that it has never seen."""
    controls = {
        "task": choice("task", [*TASKS], "parity"),
        "model": choice("model", [*MODELS], "minGRU"),
        "length": slider("length trained", 5, 40, 20, step=5),
        "asked": slider("length asked", 20, 500, 100, step=20),
        "lowest": slider("lowest multiplier", -1.0, 0.0, -1.0, step=0.1),
    }
    return Panel("who remembers, who counts", partial(run_race, memory={}), draw_race, controls)
