"""What came out: a row for each exercise as CSV, a page with one row for each learner, and a few lines of text."""

import csv
import html
from collections import Counter
from typing import NamedTuple

from rnn_lib.ground.report import Report

__all__ = ["Row", "summary", "write_csv", "write_html"]

MAX_MESSAGE = 500  # characters: one answer with 200,000 keys made a message of 11 MB
COLOURS = {"Correct": "#009E73", "Not yet": "#D55E00", "Not started": "#7F7F7F"}
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Grades</title><style>
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 2em; }} td, th {{ text-align: left; padding: .3em .6em;
vertical-align: top; border-bottom: 1px solid #ddd; }} summary {{ cursor: pointer; }}
</style></head><body><h1>Grades</h1><table><thead><tr><th>learner</th><th>passed</th><th>exercises</th></tr></thead>
<tbody>
{rows}
</tbody></table></body></html>
"""


class Row(NamedTuple):
    """The verdict on one exercise of one learner's notebook; the columns of the CSV."""

    learner: str
    exercise: str
    passed: bool
    kind: str
    message: str


def write_csv(path, rows):
    """Write the rows, with a header."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(Row._fields)
        writer.writerows(row._replace(learner=plain(row.learner), message=plain(short(row.message))) for row in rows)


def write_html(path, rows):
    """Write a page that needs nothing else, with a row for each learner's notebook."""
    lines = []
    for learner, own in by_learner(rows).items():
        items = "".join(
            f"<details><summary style='color:{COLOURS[label(row)]}'>{html.escape(row.exercise or 'notebook')}: "
            f"{label(row)} ({html.escape(row.kind)})</summary>{html.escape(short(row.message))}</details>"
            for row in own)
        lines.append(f"<tr><td>{html.escape(learner)}</td><td>{count(own)}</td><td>{items}</td></tr>")
    path.write_text(PAGE.format(rows="\n".join(lines)), encoding="utf-8")


def summary(rows):
    """Return text: a line for each learner's notebook, and what went wrong most often."""
    learners = by_learner(rows)
    width = max(map(len, learners), default=0)
    lines = []
    for learner, own in learners.items():
        open_ones = ", ".join(f"{row.exercise}: {row.kind}" for row in own if not row.passed)
        lines.append(f"{learner:{width}}  {count(own)}  {open_ones}")
    common = Counter((row.exercise, row.kind) for row in rows if label(row) == "Not yet").most_common(5)
    if common:
        lines += ["", "Most often:", *(f"  {times} × {exercise}: {kind}" for (exercise, kind), times in common)]
    return "\n".join(line.rstrip() for line in lines)


def by_learner(rows):
    """Return {learner: rows}, in the order of the rows."""
    learners = {}
    for row in rows:
        learners.setdefault(row.learner, []).append(row)
    return learners


def count(rows):
    """Say how many of them passed."""
    return f"{sum(row.passed for row in rows)} of {len(rows)}"


def label(row):
    """Return the verdict in a word or two, as the learner's own page says it."""
    return Report(row.kind, "").label


def short(message):
    """Return a message in one line, cut where it is longer than anybody reads."""
    message = " ".join(message.split())
    return message if len(message) <= MAX_MESSAGE else message[: MAX_MESSAGE - 1] + "…"


def plain(text):
    """Return a text that a spreadsheet takes for no formula: a file's name and a message hold what learners wrote."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text
