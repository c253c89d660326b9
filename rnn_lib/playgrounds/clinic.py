"""The bug clinic (notebook 05): choose a wrong backward pass and a task, and see what training makes of them."""

from rnn_lib import plots
from rnn_lib.bugs import BUGS
from rnn_lib.bugs.examination import TASKS, examine
from rnn_lib.playgrounds.panel import Panel, choice

__all__ = ["clinic_panel", "draw_clinic"]


def draw_clinic(result):
    """Draw one examination: the loss curves and the gradients' angles."""
    verdict = "shows itself on" if result.fails else "hides on" if result.hides else "slows down"
    return plots.patient(result, f"{result.bug} {verdict} this task")


def clinic_panel():
    """Return the panel: choose a bug and a task, and the network is trained with it."""
    controls = {
        "bug": choice("bug", list(BUGS), "carry_missing"),
        "task": choice("task", list(TASKS), "sine wave, SGD"),
    }
    return Panel("bug clinic", examine, draw_clinic, controls, ghosts=0)
