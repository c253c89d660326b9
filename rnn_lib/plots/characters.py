"""Text: what a unit does while it is read, and what each output looks back at."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, LogNorm
from matplotlib.ticker import MaxNLocator, NullLocator

from rnn_lib.plots.sequences import STATE_COLOURS
from rnn_lib.plots.stage import stage
from rnn_lib.plots.style import BACKWARD, BASELINE, LINES, SERIES, TARGET, label_ends, new_figure
from rnn_lib.plots.words import courses, number, say

COLUMNS, LETTER = 86, 12  # letters a line; their size in points
CELL = LETTER * 0.602 / 72, LETTER * 1.6 / 72  # width and height of a letter's place in inches; 0.602 is the font's
MARGIN, HEADING = 0.15, 0.4  # inches
SHOWN = str.maketrans({"\n": "↵", " ": "␣"})


def perplexities(x, curves, title, xlabel, rivals=None, colours=SERIES):
    """Draw perplexities, {label: numbers}, against x on a logarithmic axis; a shorter curve ends sooner.

    `rivals` is {label: perplexity}: horizontal grey lines. `colours` are those of the curves, in their order.
    """
    figure, axis = new_figure(height=3.8)
    for label, level in (rivals or {}).items():
        axis.plot([x[0], x[-1]], [level, level], color=BASELINE, linestyle="--", linewidth=1.2, label=label)
    for (label, values), colour, style in zip(curves.items(), colours, LINES, strict=False):
        axis.plot(x[: len(values)], values, color=colour, linestyle=style, marker="o", markersize=3, label=label)
    axis.set(yscale="log", xlabel=xlabel, ylabel="perplexity on held-out text", title=title)
    low, high = axis.get_ylim()
    ticks = [tick for tick in (2, 3, 4, 5, 6, 7, 8, 10, 15, 20, 30, 50, 100) if low <= tick <= high]
    axis.set_yticks(ticks, map(str, ticks))
    axis.yaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    label_ends(axis)
    lines = "".join(f"; {label} stands at {number(level)}" for label, level in (rivals or {}).items())
    return say(figure, f"{title}: {courses(curves)}{lines}.")


def coloured_text(text, values, title, told, n_rows=None):
    """Draw a text, each letter on the colour of its value, (N,): violet −1, white 0, orange +1. Returns the Figure.

    `told` is what the figure's sentence says after the title. With `n_rows` the figure has so many rows, whatever the
    text; what does not fit is left out.
    """
    rows, places = [""], []
    for letter in text:
        if len(rows[-1]) == COLUMNS:
            rows.append("")
        places.append((len(rows) - 1, len(rows[-1])))
        rows[-1] += "↵" if letter == "\n" else letter
        if letter == "\n":
            rows.append("")
    rows = rows[:-1] if not rows[-1] else rows
    colours = np.full((max(len(rows), n_rows or 0), COLUMNS), np.nan)
    colours[tuple(np.transpose(places))] = values
    rows, colours = rows[:n_rows], colours[: n_rows or len(rows)]

    figure, axis = empty_rows(len(colours), title)
    extent = (*axis.get_xlim(), *axis.get_ylim())
    axis.imshow(colours, cmap=STATE_COLOURS, vmin=-1, vmax=1, aspect="auto", alpha=0.6, extent=extent)
    for row, letters in enumerate(rows):
        axis.text(-0.5, row, letters, family="monospace", size=LETTER, va="center", color=TARGET, parse_math=False)
    return say(figure, f"{title}: {told}")


@stage
def empty_rows(n_rows, title):
    """Make axes for so many rows of letters, a letter at each whole number."""
    width, height = COLUMNS * CELL[0], n_rows * CELL[1]
    figure, axis = new_figure(width=width + 2 * MARGIN, height=height + HEADING + MARGIN, layout="none")
    axis.set_position((MARGIN / (width + 2 * MARGIN), MARGIN / (height + HEADING + MARGIN),
                       width / (width + 2 * MARGIN), height / (height + HEADING + MARGIN)))
    axis.set(xlim=(-0.5, COLUMNS - 0.5), ylim=(n_rows - 0.5, -0.5))
    axis.axis("off")
    axis.set_title(title, y=1, parse_math=False)
    return figure, axis


def looking_back(S, read, asked, title):
    """Draw what each output looks back at: S, (T, T), from `saliency`, in a text `read`, one letter a column.

    Row t asks how likely letter t of `asked` is, which comes after what was read. Colours are logarithmic, over a
    factor of 100.
    """
    T = len(S)
    figure, axis = new_figure(height=1.2 + 0.165 * T, width=1.6 + 0.165 * T)
    colours = LinearSegmentedColormap.from_list("backward", ["white", BACKWARD, "black"])
    image = axis.imshow(np.where(S > 0, S, np.nan), cmap=colours, norm=LogNorm(S.max() / 100, S.max(), clip=True))
    axis.grid(False)
    letters = {"family": "monospace", "size": 10, "parse_math": False}
    axis.set_xticks(range(T), read.translate(SHOWN), **letters)
    axis.set_yticks(range(T), asked.translate(SHOWN), **letters)
    axis.tick_params(length=0)
    axis.set(xlabel="what was read", ylabel="the letter asked for")
    axis.set_title(title)
    figure.colorbar(image, ax=axis, label="size of the gradient", shrink=0.7)
    near = 100 * np.mean([S[t, max(0, t - 4) : t + 1].sum() / S[t].sum() for t in range(T)])
    return say(figure, f"{title}: on average {near:.0f} per cent of a row's sum lie on the last five letters read.")
