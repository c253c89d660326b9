"""What every check of an exercise shares: calling the learner's code safely, comparing, and the report."""

import functools
import linecache
import traceback
from dataclasses import dataclass

import numpy as np

from rnn_lib.report import html_box, text_table
from rnn_lib.validation import describe

UNFILLED = (None, Ellipsis)  # what a stub leaves


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


def never_raises(check):
    """Wrap a check so that even an answer that cannot be looked at gets a Report."""

    @functools.wraps(check)
    def guarded(*answers, **options):
        try:
            with np.errstate(all="ignore"):
                return check(*answers, **options)
        except KeyboardInterrupt:  # the learner's own: they want to stop
            raise
        except BaseException as error:
            return Report("wrong_type", f"this answer cannot be examined: {say(error)}")

    return guarded


def attempt(answer, *args):
    """Call the learner's function on copies of `args`. Return (value, None), or (None, Report) if it failed."""
    return call(answer, *(copy_of(arg) for arg in args))


def call(answer, *args):
    """Call the learner's function on `args` themselves, which it may change. Returns what `attempt` returns."""
    if is_unfilled(answer):
        return None, Report("not_started", "there is no function yet. Fill it in and run this cell again.")
    if not callable(answer):
        return None, Report("wrong_type", f"expected the function itself, got {safe_describe(answer)}.")
    name = getattr(answer, "__name__", "your function")
    not_started = Report("not_started", f"{name} returns nothing yet. Fill it in and run this cell again.")
    try:
        with np.errstate(all="ignore"):  # a wrong answer may overflow: the report says so, not a warning
            value = answer(*args)
    except KeyboardInterrupt:  # the learner's own: they want to stop
        raise
    except NotImplementedError:
        return None, not_started
    except BaseException as error:
        line = line_of(error, answer)
        where = f" It happened in the line `{line}`." if line else ""
        return None, Report("exception", f"your code raised {say(error)}.{where}")
    return (None, not_started) if is_unfilled(value) else (value, None)


def is_unfilled(value):
    """True for None and `...`: what a stub leaves."""
    return any(value is nothing for nothing in UNFILLED)


def line_of(error, answer):
    """Return the text of the line of the learner's function in which `error` arose, or ""."""
    filename = getattr(getattr(answer, "__code__", None), "co_filename", None)
    lines = [number for frame, number in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == filename]
    return linecache.getline(filename, lines[-1]).strip() if lines else ""


def say(error):
    """Return an exception's type and message, whatever its own `__str__` does."""
    try:
        text = str(error)
    except Exception:
        text = ""
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def safe_describe(value):
    """Say what `value` is, whatever its own `__repr__` does."""
    try:
        return describe(value)
    except Exception:
        return f"an object of type {type(value).__name__}"


def copy_of(value):
    """Copy arrays and dicts of arrays, so that an answer that writes into its arguments harms nothing."""
    if isinstance(value, dict):
        return {key: copy_of(item) for key, item in value.items()}
    return value.copy() if isinstance(value, np.ndarray) else value


def as_numbers(value):
    """Return the learner's value as a new float64 array, or None if it is not made of real numbers."""
    try:
        array = np.asarray(value)
        if array.dtype.kind == "O" and None not in array.ravel().tolist():  # such as Python's own large integers
            array = array.astype(float)
        return np.array(array, dtype=float) if array.dtype.kind in "fiub" else None
    except KeyboardInterrupt:
        raise
    except BaseException:  # whatever __array__ or __len__ of a strange object raises
        return None


@never_raises
def judge(name, got, expected, mistakes=(), praise="", rtol=1e-9):
    """Compare an answer with the right value and with the values that known mistakes leave.

    `mistakes` is a list of (kind, value, advice). Returns a Report, whatever `got` is.
    """
    if is_unfilled(got) or isinstance(got, list | tuple) and any(map(is_unfilled, got)):
        return Report("not_started", f"{name} is empty. Fill it in and run this cell again.")
    array = as_numbers(got)
    if array is None:
        return Report("wrong_type", f"{name}: expected numbers, got {safe_describe(got)}.")
    expected = np.asarray(expected, dtype=float)
    if array.shape == expected.shape and close(array, expected, rtol):
        return Report("correct", praise or f"{name} is right.")
    for kind, value, advice in mistakes:
        if close(array, value, rtol):
            return Report(kind, advice)
    if array.shape != expected.shape:
        return Report("wrong_shape", f"{name}: expected shape {expected.shape}, got {array.shape}.")
    if not np.isfinite(array).all():
        return Report("not_finite", f"{name}: {np.count_nonzero(~np.isfinite(array))} of its numbers are not finite.")
    return Report("unknown", f"{name} is not right, and not in a way that this check knows.")


def close(a, b, rtol):
    """True if arrays of the same shape differ by at most rtol of the larger one's largest element."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.shape != b.shape or not np.isfinite(a).all():
        return False
    return bool(np.abs(a - b).max(initial=0) <= rtol * max(np.abs(a).max(initial=0), np.abs(b).max(initial=0)))
