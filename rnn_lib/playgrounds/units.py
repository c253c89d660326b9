"""What single units follow: scores for every unit, and a panel that colours a text by one of them (notebook 10)."""

import re
from dataclasses import dataclass
from functools import cache

import numpy as np

from rnn_lib import data
from rnn_lib.ground.validation import check_int
from rnn_lib.playgrounds.panel import Panel, slider
from rnn_lib.playgrounds.writer import load_writer
from rnn_lib.plots.characters import COLUMNS, coloured_text

__all__ = ["FOLLOWED", "draw_units", "inside", "run_units", "scores", "units_panel", "writer_states"]

FOLLOWED = {  # what a unit may follow, and a pattern of the stretches where it is so
    "a formula": r"\$\$.+?\$\$|\$[^$\n]+\$",
    "code": r"`[^`\n]+`",
    "brackets": r"\([^()\n]*\)",
    "a line's start": r"\n[^\n]{0,20}",
}
ROWS = 14  # of text shown


def inside(text, pattern):
    """Return whether each letter, once read, leaves the reader within a stretch that fits `pattern`: (N,) of booleans.

    The first letter of a stretch opens it, so after it one is inside; after the last one is outside again.
    """
    marks = np.zeros(len(text), bool)
    for match in re.finditer(pattern, text, re.DOTALL):
        marks[match.start() : match.end() - 1] = True
    return marks


def scores(values, marks):
    """Return how well each unit tells inside from outside: (M, H) numbers from 0.5, not at all, to 1, always.

    values  (N, H): the units after each letter
    marks   (M, N): booleans, a row for each of M things that a unit may follow

    It is how often the unit is higher at a letter inside than at a letter outside, both drawn at random; or lower,
    whichever is more often. (The area under the ROC curve, by ranks.)
    """
    order, areas = values.argsort(axis=0, kind="stable"), []
    for row in np.asarray(marks):
        n_in = np.count_nonzero(row)
        if n_in in (0, len(row)):
            raise ValueError(f"marks: expected letters inside and outside in each row, got {n_in} of {len(row)} inside")
        ranks = np.arange(len(row)) @ row[order]  # (H,): the sum of the ranks of all letters inside
        areas.append((ranks - n_in * (n_in - 1) / 2) / (n_in * (len(row) - n_in)))
    return np.maximum(areas, 1 - np.array(areas))


@cache
def writer_states(part):
    """Return the writer's text and its units after each letter, (N, H): "test", or as much at the end of "train"."""
    model, vocabulary = load_writer()
    train, test = data.load_course_text()
    text, before = (test, train) if part == "test" else (train[-len(test):], train[:-len(test)])
    numbers = vocabulary.encode(before[-200:] + text)  # some run-up, as a reader has
    model.forward(data.one_hot(numbers[:, None], len(vocabulary)))
    return text, model.hidden_states[-len(text):, 0]


@dataclass
class UnitRun:
    """One unit over one stretch of text, and a line with its scores."""

    text: str
    values: np.ndarray
    summary: str


def run_units(unit=0, start=500):
    """Colour the held-out text from letter `start` on by one unit."""
    text, values = writer_states("test")
    check_int("unit", unit, minimum=0, maximum=values.shape[1] - 1)
    check_int("start", start, minimum=0, maximum=len(text) - 1)
    found = scores(values[:, [unit]], [inside(text, pattern) for pattern in FOLLOWED.values()])[:, 0]
    told = ", ".join(f"{name} {score:.2f}" for name, score in zip(FOLLOWED, found, strict=True))
    part = slice(start, start + ROWS * COLUMNS)
    return UnitRun(text[part], values[part, unit], f"Unit {unit} from letter {start}; scores: {told}.")


def draw_units(run):
    """Draw a UnitRun."""
    return coloured_text(run.text, run.values, "Orange: the unit is near +1. Violet: near −1", run.summary, ROWS)


def units_panel():
    """Move through the units, and see which letters each of them is high or low at."""
    model, _ = load_writer()
    controls = {
        "unit": slider("unit", 0, model.hidden_size - 1, 0),
        "start": slider("from letter", 0, 11000, 500, step=500),
    }
    return Panel("one unit over the text", run_units, draw_units, controls, ghosts=0)
