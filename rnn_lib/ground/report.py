"""A verdict and how it is shown: as plain text and as a box in a notebook."""

import html
from dataclasses import dataclass

__all__ = ["Report", "html_box", "text_table"]

COLOURS = {True: "#009E73", False: "#D55E00", None: "#7F7F7F"}


@dataclass(frozen=True)
class Report:
    """The verdict on an answer. Shown as text by `print` and as a coloured box in a notebook.

    kind     "correct", "not_started", "exception", "wrong_type", "wrong_keys", "wrong_shape", "not_finite",
             the name of a recognised mistake, or "unknown"
    message  what was found, and the idea and the line to look at; never the answer
    table    optional rows of text, the first one the header
    """

    kind: str
    message: str
    table: tuple = ()

    @property
    def passed(self):
        """True if the answer is right."""
        return self.kind == "correct"

    @property
    def label(self):
        """The verdict in a word or two: never colour alone."""
        return {"correct": "Correct", "not_started": "Not started"}.get(self.kind, "Not yet")

    def __str__(self):
        """The verdict in plain text."""
        return "\n".join([f"{self.label}: {self.message}", *(text_table(self.table) if self.table else [])])

    __repr__ = __str__

    def _repr_html_(self):
        passed = None if self.kind == "not_started" else self.passed
        return html_box(passed, self.label, self.message, self.table)


def text_table(rows):
    """Return rows of text as indented lines with aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def html_box(passed, label, message, rows=(), notes=()):
    """Return HTML: the label, the message, the rows as a table and the notes, beside a bar in the verdict's colour.

    `passed` is True, False, or None for "no verdict yet".
    """
    lines = "".join(
        "<tr>" + "".join(f"<td style='text-align:left'>{html.escape(text)}</td>" for text in row) + "</tr>"
        for row in rows
    )
    table = f"<table>{lines}</table>" if lines else ""
    return (
        f"<div style='border-left:5px solid {COLOURS[passed]};padding:0.4em 0.8em'>"
        f"<b>{html.escape(label)}:</b> {html.escape(message)}{table}{'<br>'.join(map(html.escape, notes))}</div>"
    )
