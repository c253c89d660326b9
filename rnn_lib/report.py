"""A verdict and how it is shown: as plain text and as a box in a notebook."""

import html
import math
from dataclasses import dataclass

__all__ = ["GradientReport", "Report", "html_box", "text_table"]

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


@dataclass(frozen=True)
class GradientReport:
    """What `check_gradients` found.

    errors     {"own weights": {parameter: relative error}, …}; inf if not finite, None if lost in rounding
    tolerance  the largest error that passes
    remarks    what else is wrong, and who is to blame; with one of these the check is not passed
    notes      what was tested and how, and what was not
    """

    errors: dict
    tolerance: float
    remarks: tuple = ()
    notes: tuple = ()

    @property
    def wrong(self):
        """The names of the parameters whose gradient is wrong anywhere."""
        names = next(iter(self.errors.values()))
        return [name for name in names if any(not self.fine(e[name]) for e in self.errors.values())]

    def fine(self, error):
        """True unless an error is too large; None could not be told from rounding."""
        return error is None or error <= self.tolerance

    @property
    def passed(self):
        """True if every gradient agrees everywhere and nothing else is wrong."""
        return not self.wrong and not self.remarks

    @property
    def label(self):
        """Right or Wrong."""
        return "Right" if self.passed else "Wrong"

    @property
    def message(self):
        """The verdict in one sentence, and what explains it."""
        if self.wrong:
            verdict = f"the gradient of {', '.join(self.wrong)} is not the derivative of the loss."
        else:
            verdict = f"every gradient agrees with the derivative of the loss within {self.tolerance:g}"
            verdict += ", but not all is well." if self.remarks else "."
        return " ".join([verdict, *self.remarks])

    @property
    def table(self):
        """Rows of text: the relative error of each parameter at each set of weights."""
        rows = [("relative error", *self.errors, "")]
        for name in next(iter(self.errors.values())):
            cells = (self.show(e[name]) for e in self.errors.values())
            rows.append((name, *cells, "WRONG" if name in self.wrong else "right"))
        return rows

    def show(self, error):
        """One or two digits of an error that means something; of rounding noise only its limit, the same everywhere."""
        if error is None:
            return "untested"
        if error <= self.tolerance:
            return f"< {self.tolerance:g}"
        if not math.isfinite(error):
            return "not finite"
        return f"{error:.2g}" if error > 1e-6 else f"{error:.0e}"

    def __str__(self):
        """The verdict, the table and the notes in plain text."""
        return "\n".join([f"{self.label}: {self.message}", *text_table(self.table), *self.notes])

    __repr__ = __str__

    def _repr_html_(self):
        return html_box(self.passed, self.label, self.message, self.table, self.notes)
