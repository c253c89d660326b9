"""What every check of an exercise shares: calling the learner's code safely, comparing, and the report."""

import html
from dataclasses import dataclass

import numpy as np

from rnn_lib.validation import describe


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
        """One word for the verdict: never colour alone."""
        return {"correct": "Correct", "not_started": "Not started"}.get(self.kind, "Not yet")

    def __str__(self):
        """The verdict in plain text."""
        lines = [f"{self.label}: {self.message}"]
        if self.table:
            widths = [max(len(row[i]) for row in self.table) for i in range(len(self.table[0]))]
            cells = (zip(row, widths, strict=True) for row in self.table)
            lines += ["  " + "  ".join(text.ljust(width) for text, width in row).rstrip() for row in cells]
        return "\n".join(lines)

    __repr__ = __str__

    def _repr_html_(self):
        colour = {"Correct": "#009E73", "Not started": "#7F7F7F"}.get(self.label, "#D55E00")
        rows = "".join(
            "<tr>" + "".join(f"<td style='text-align:left'>{html.escape(text)}</td>" for text in row) + "</tr>"
            for row in self.table
        )
        return (
            f"<div style='border-left:5px solid {colour};padding:0.4em 0.8em'><b>{self.label}.</b> "
            f"{html.escape(self.message)}{f'<table>{rows}</table>' if rows else ''}</div>"
        )


def attempt(answer, *args):
    """Call the learner's function on copies of `args`. Return (value, None), or (None, Report) if it failed."""
    if not callable(answer):
        return None, Report("wrong_type", f"expected a function, got {describe(answer)}.")
    try:
        with np.errstate(all="ignore"):
            value = answer(*(copy_of(arg) for arg in args))
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        return None, Report("exception", f"your code raised {type(error).__name__}: {error}")
    if value is None or value is Ellipsis:
        name = getattr(answer, "__name__", "your function")
        return None, Report("not_started", f"{name} returns nothing yet. Fill it in and run this cell again.")
    return value, None


def copy_of(value):
    """Copy arrays and dicts of arrays, so that an answer that writes into its arguments harms nothing."""
    if isinstance(value, dict):
        return {key: copy_of(item) for key, item in value.items()}
    return value.copy() if isinstance(value, np.ndarray) else value


def judge(name, got, expected, mistakes=(), praise="", rtol=1e-9):
    """Compare an answer with the right value and with the values that known mistakes leave.

    `mistakes` is a list of (kind, value, advice). Returns a Report, whatever `got` is.
    """
    if got is None or got is Ellipsis:
        return Report("not_started", f"{name} is empty. Fill it in and run this cell again.")
    try:
        array = np.asarray(got, dtype=float)
    except (TypeError, ValueError):
        return Report("wrong_type", f"{name}: expected numbers, got {describe(got)}.")
    expected = np.asarray(expected, dtype=float)
    if array.shape != expected.shape:
        for kind, value, advice in mistakes:
            if np.shape(value) == array.shape and close(array, value, rtol):
                return Report(kind, advice)
        return Report("wrong_shape", f"{name}: expected shape {expected.shape}, got {array.shape}.")
    if not np.isfinite(array).all():
        return Report("not_finite", f"{name}: {np.count_nonzero(~np.isfinite(array))} of its numbers are not finite.")
    if close(array, expected, rtol):
        return Report("correct", praise or f"{name} is right.")
    for kind, value, advice in mistakes:
        if close(array, value, rtol):
            return Report(kind, advice)
    return Report("unknown", f"{name} is not right, and not in a way that this check knows.")


def close(a, b, rtol):
    """True if arrays of the same shape differ by at most rtol of the larger one's largest element."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.shape != b.shape or not np.isfinite(a).all():
        return False
    return bool(np.abs(a - b).max(initial=0) <= rtol * max(np.abs(a).max(initial=0), np.abs(b).max(initial=0)))
