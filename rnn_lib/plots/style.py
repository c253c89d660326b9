"""One visual language: the same colour for the same thing in every figure, and figures that look alike.

The colours are from the palette of Okabe and Ito, safe for colour-blind readers.

Every figure has a sentence, which a screen reader says and nbval compares in place of "<Figure size ...>":
- A function that draws ends with `return say(figure, f"{title}: ...")` (words.py): the finding, and numbers that it
  computes from the arrays it draws, rounded to what holds on every machine: `number`, `course` and `courses` do it.
- A panel's figure says the panel's own line: `return say(figure, run.summary)`.
- In a notebook `plots.say(figure, "...")` does it for a figure made with pyplot (before plt.show()), or says it better.
- tests/test_notebooks.py refuses a figure without a sentence, and one that is said twice in a notebook.
"""

import threading
from functools import lru_cache

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb

from rnn_lib.plots.words import number

# Matplotlib's settings and pyplot's list of figures belong to the whole process. Two threads that change them at once
# (a cell, and a slider's callback beside it) could leave settings changed for good, or stumble over the list. Who draws
# holds this.
DRAWING = threading.RLock()

INPUT, HIDDEN, OUTPUT, BACKWARD = "#0072B2", "#E69F00", "#009E73", "#D55E00"
TARGET, BASELINE = "#000000", "#7F7F7F"
SERIES = ["#5D3A9B", "#CC79A7", "#56B4E9", "#8C510A", "#4D4D4D", "#999933"]  # runs to compare: none of the above
LIGHT = np.array([0.2126, 0.7152, 0.0722])  # how much of a colour's light is in its red, green and blue
LINES = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3))]  # never colour alone

STYLE = {
    "figure.dpi": 100, "figure.facecolor": "white", "savefig.facecolor": "white", "figure.constrained_layout.use": True,
    "font.size": 11, "axes.titlesize": 12,
    "axes.facecolor": "white", "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True,
    "grid.color": "#E5E5E5", "axes.axisbelow": True, "lines.linewidth": 2,
    "image.interpolation": "nearest",
}


class CourseAxes(Axes):
    """Axes with bold titles on the left and frameless legends; Matplotlib asks STYLE only while it is in force."""

    def set_title(self, label, fontdict=None, loc="left", pad=None, **kwargs):
        """Set the title, as `Axes.set_title`."""
        return super().set_title(label, fontdict, loc, pad, **{"fontweight": "bold", **kwargs})

    def legend(self, *args, **kwargs):
        """Add a legend, as `Axes.legend`."""
        return super().legend(*args, **{"frameon": False, **kwargs})


def new_figure(rows=1, columns=1, width=9.0, height=3.4, **subplots):
    """Return (figure, axes) in the course's style; `width` and `height` are in inches.

    The figure is closed for pyplot, so a notebook shows it exactly once: where it is a cell's last value.
    """
    with DRAWING, plt.rc_context(STYLE):
        subplots["subplot_kw"] = {"axes_class": CourseAxes, **subplots.get("subplot_kw", {})}
        figure, axes = plt.subplots(rows, columns, figsize=(width, height), **subplots)
        plt.close(figure)
    return figure, axes


def new_axis(figure, place):
    """Add axes to a figure, at (left, bottom, width, height) in fractions of it, and return them."""
    with DRAWING, plt.rc_context(STYLE):
        return figure.add_axes(place, axes_class=CourseAxes)


@lru_cache
def ink(colour):
    """Return the colour as dark as a text of it must be to be read on white or on a pale tint.

    WCAG asks for a contrast of 4.5 : 1; on white it is 5.2 here.
    """
    rgb = np.array(to_rgb(colour))
    while 1.05 / (np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ LIGHT + 0.05) < 5.2:
        rgb *= 0.98
    return to_hex(rgb)


def mark_beyond(axis, values, colour=TARGET, name=""):
    """Say at the edge of `axis`, whose limits are final, how far a curve goes on beyond it; nothing if it does not."""
    values = np.asarray(values, float)
    values = values[np.isfinite(values)]
    low, high = axis.get_ylim()
    style = {"color": ink(colour), "fontsize": 9, "ha": "center", "transform": axis.transAxes,
             "bbox": {"color": "white", "alpha": 0.8, "linewidth": 0, "pad": 1}}  # a curve may pass behind it
    if len(values) and values.max() > high:
        axis.text(0.5, 0.99, f"▲ {name}up to {number(values.max())}", va="top", **style)
    if len(values) and values.min() < low:
        axis.text(0.5, 0.01, f"▼ {name}down to {number(values.min())}", va="bottom", **style)


def side_by_side(*cuts):
    """Return the pieces of a figure that is cut from top to bottom at these fractions of its width (see picture.py)."""
    return [(left, 0, right, 1) for left, right in zip((0, *cuts), (*cuts, 1), strict=True)]


def beside_ghosts(ghosts, run):
    """Return (run, colour, line style) for earlier runs, each with its own, and then for the newest, a solid green."""
    looks = [*zip(SERIES, LINES[1:], strict=False)][: len(ghosts)] + [(OUTPUT, LINES[0])]
    return [(shown, *look) for shown, look in zip([*ghosts, run], looks, strict=True)]


def headline(figure, title):
    """Write a bold title at the left over all axes of a figure."""
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=12)


def label_ends(axis, labels=None, pad=0.01, dark=False):
    """Write each curve's label at its right end, moved apart where they would overlap, instead of a legend.

    `labels` maps a line of `axis` to its text; by default every line whose label does not start with "_". With `dark`
    the text is as dark as `ink` makes it.
    """
    if labels is None:
        labels = {line: line.get_label() for line in axis.lines if not line.get_label().startswith("_")}
    figure = axis.figure
    axis.autoscale_view()  # Matplotlib puts this off; the transform below needs the final limits
    to_axes = axis.transData + axis.transAxes.inverted()
    line_height = 13 / (axis.get_window_extent().height * 72 / figure.dpi)  # 13 points in axes units
    ends = sorted(
        (to_axes.transform((line.get_xdata()[-1], line.get_ydata()[-1]))[1], i) for i, line in enumerate(labels)
    )
    heights, lowest = {}, -1.0
    for y, i in ends:
        heights[i] = lowest = max(min(max(y, 0.0), 1.0), lowest + line_height)
    overshoot = max(0.0, lowest - 1.0)
    for i, (line, text) in enumerate(labels.items()):
        axis.annotate(
            text, (1 + pad, heights[i] - overshoot), xycoords="axes fraction",
            color=ink(line.get_color()) if dark else line.get_color(),
            va="center", fontsize=10, annotation_clip=False,
        )
