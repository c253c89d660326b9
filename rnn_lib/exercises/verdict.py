"""What every check of an exercise shares: the verdict, calling the learner's code safely, and comparing.

A check is a function decorated with `returns_report`. It returns its praise if the answer is right. Whoever finds that
the answer is not right, however deep inside, raises a Verdict, and the learner gets it as a Report.
"""

import copy
import dis
import functools
import linecache
import traceback
from types import CodeType, FunctionType

import numpy as np

from rnn_lib.ground.report import Report
from rnn_lib.ground.validation import describe

__all__ = [
    "SINGLE", "Verdict", "as_numbers", "attempt", "call", "close", "dtype_of", "is_right", "is_single", "is_unfilled",
    "judge", "names_in", "require", "require_dict", "require_filled", "returns_report", "safe_describe",
]

SINGLE = 1e-5  # how well answers in float32 must agree
COURSE = (  # what the notebooks call their own sizes and arrays, and the exercises their arguments
    "T", "B", "I", "H", "O", "W_xh", "W_hh", "b_h", "W_hy", "b_y", "params", "X", "h", "hidden_states", "Y", "target",
    "dY", "dZ",
)
STUB = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE"}  # all that Python makes of an empty function


class Verdict(Exception):
    """An answer is not right; `report` says what it is."""

    def __init__(self, kind, message, table=()):
        """As in Report."""
        super().__init__(kind, message)
        self.report = Report(kind, message, tuple(table))


def require(condition, kind, message):
    """Raise a Verdict unless the condition holds."""
    if not condition:
        raise Verdict(kind, message)


def returns_report(check):
    """Turn a function that returns its praise or raises a Verdict into a check: it returns a Report, never raises."""

    @functools.wraps(check)
    def guarded(*answers, **options):
        try:
            with np.errstate(all="ignore"):  # a wrong answer may overflow: the report says so, not a warning
                return Report("correct", check(*answers, **options))
        except Verdict as verdict:
            report = verdict.report
            hints = [] if report.kind == "not_started" else [hint for hint in map(borrowed, answers) if hint]
            return Report(report.kind, " ".join([report.message, *hints]), report.table)
        except KeyboardInterrupt:  # the learner's own: they want to stop
            raise
        except BaseException as error:
            return Report("wrong_type", f"this answer cannot be examined: {say(error)}")

    return guarded


def attempt(answer, *args, hints=None):
    """Call the learner's function on copies of `args`. Returns its value, or raises a Verdict if it failed.

    `hints` says what to add to an exception's own message: {type of exception: sentence}.
    """
    return call(answer, *copy.deepcopy(args), hints=hints)


def call(answer, *args, hints=None):
    """Call the learner's function on `args` themselves, which it may change. As `attempt`."""
    require(not is_unfilled(answer), "not_started", "there is no function yet. Fill it in and run this cell again.")
    require(callable(answer), "wrong_type", f"expected the function itself, got {safe_describe(answer)}.")
    name = getattr(answer, "__name__", "your function")
    empty = f"{name} returns nothing yet. Fill it in and run this cell again."
    try:
        value = answer(*args)
    except KeyboardInterrupt:  # the learner's own: they want to stop
        raise
    except NotImplementedError:
        raise Verdict("not_started", empty) from None
    except BaseException as error:
        line = line_of(error, answer)
        where = f" It happened in the line `{line}`." if line else ""
        hint = "".join(f" {hint}" for kind, hint in (hints or {}).items()
                       if isinstance(error, kind) and not borrowed(answer))  # then that is the likelier reason
        raise Verdict("exception", f"your code raised {say(error)}.{where}{hint}") from error
    printed = is_unfilled(value) and "print" in names_in(answer)
    require(not printed, "not_returned", f"{name} prints something and returns nothing. What `print` shows is lost to "
            "whoever called the function: end it with `return`.")
    lost = is_unfilled(value) and does_something(answer)
    require(not lost, "not_returned", f"{name} returns nothing. Is a `return` missing, at its end or in one of its "
            "branches?")
    require(not is_unfilled(value), "not_started", empty)
    return value


def does_something(answer):
    """True if a function has more than a stub's lines: a docstring, `pass`, `...` or `return None`."""
    code = getattr(answer, "__code__", None)
    return code is not None and not {line.opname for line in dis.get_instructions(code)} <= STUB


def names_in(answer):
    """Return the names of globals and attributes that the learner's function uses."""
    return getattr(getattr(answer, "__code__", None), "co_names", ())


def borrowed(answer):
    """Say which sizes and arrays of the notebook a function uses where it has arguments to take them from, or ""."""
    if type(answer) is not FunctionType:
        return ""
    code = answer.__code__
    if not set(COURSE) & set(code.co_varnames[:code.co_argcount]):
        return ""
    codes, names = [code], set()
    for code in codes:  # it grows by the functions and comprehensions inside
        names |= {line.argval for line in dis.get_instructions(code) if line.opname == "LOAD_GLOBAL"}
        codes += [inner for inner in code.co_consts if isinstance(inner, CodeType)]
    found = ", ".join(name for name in COURSE if name in names & set(answer.__globals__))
    return f"Your function uses the notebook's own {found}: take what it needs from its arguments." if found else ""


def is_unfilled(value):
    """True for None and `...`: what a stub leaves."""
    return value is None or value is Ellipsis


def require_filled(name, value):
    """Raise a Verdict if `value`, or one of the items of a list or tuple, is what a stub leaves."""
    empty = is_unfilled(value) or isinstance(value, list | tuple) and any(map(is_unfilled, value))
    require(not empty, "not_started", f"{name} is empty. Fill it in and run this cell again.")


def require_dict(name, value, keys, of="values"):
    """Raise a Verdict unless the learner's value is a dict with these keys."""
    require_filled(name, value)
    is_dict = isinstance(value, dict)
    require(is_dict, "wrong_type", f"{name}: expected a dict of {of}, got {safe_describe(value)}.")
    expected, found = (", ".join(map(str, names)) for names in (keys, value))
    require(set(value) == set(keys), "wrong_keys", f"{name}: expected the keys {expected}, got {found}.")


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


def as_numbers(value):
    """Return the learner's value as a new float64 array, or None if it is not made of real numbers."""
    try:
        array = np.asarray(without_graph(value))
        if array.dtype.kind == "O" and None not in array.ravel().tolist():  # such as Python's own large integers
            array = array.astype(float)
        return np.array(array, dtype=float) if array.dtype.kind in "fiub" else None
    except KeyboardInterrupt:
        raise
    except BaseException:  # whatever __array__ or __len__ of a strange object raises
        return None


def without_graph(value):
    """Return the numbers of a PyTorch tensor that requires a gradient; anything else as it is."""
    return value.detach() if getattr(value, "requires_grad", False) is True else value


def judge(name, got, expected, mistakes=(), rtol=1e-9, nearly=None, single=False):
    """Compare an answer with the right value and with the values that known mistakes leave; raise the Verdict.

    mistakes  a list of (kind, value, advice)
    nearly    (kind, rtol, advice) for an answer that is none of these, and right to this coarser tolerance
    single    True if the answer comes from a calculation in float32, even if it is float64

    Returns a remark to add to the praise of a right answer in single precision, or "".
    """
    require_filled(name, got)
    array = as_numbers(got)
    require(array is not None, "wrong_type", f"{name}: expected numbers, got {safe_describe(got)}.")
    expected = np.asarray(expected, dtype=float)
    if close(array, expected, rtol):
        return ""
    rtol = max(rtol, SINGLE if single or is_single(got) else 0)
    if close(array, expected, rtol):
        return " One remark: it is right to single precision only; a float32 array is at work somewhere."
    for kind, value, advice in mistakes:
        require(not close(array, value, rtol), kind, advice)
    shapes = f"shape {expected.shape}, got {array.shape}" if expected.ndim else f"one number, got {safe_describe(got)}"
    require(array.shape == expected.shape, "wrong_shape", f"{name}: expected {shapes}.")
    lost = np.count_nonzero(~np.isfinite(array))
    require(not lost, "not_finite", f"{name}: {lost} of its numbers are not finite.")
    if nearly and close(array, expected, nearly[1]):
        raise Verdict(nearly[0], nearly[2])
    raise Verdict("unknown", f"{name} is not right, and not in a way that this check knows.")


def is_single(value):
    """True if a value, or one of several in a list or tuple, is made of float32 numbers."""
    return any(dtype_of(item) == np.float32 for item in (value if isinstance(value, list | tuple) else [value]))


def dtype_of(value):
    """Return the dtype of a NumPy array, or of what turns into one, such as PyTorch's; float64 of anything else."""
    try:
        return np.asarray(without_graph(value)).dtype if hasattr(value, "dtype") else np.dtype(float)
    except Exception:
        return np.dtype(float)


def is_right(got, expected, rtol=1e-9):
    """True if the learner's value is numbers, and these."""
    array = as_numbers(got)
    return array is not None and close(array, expected, rtol)


def close(a, b, rtol):
    """True if arrays of the same shape differ by at most rtol of the larger one's largest element."""
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.shape != b.shape:
        return False
    with np.errstate(invalid="ignore"):
        difference = np.abs(a - b).max(initial=0)  # not finite if a number of one of them is not
    return bool(np.isfinite(difference)
                and difference <= rtol * max(np.abs(a).max(initial=0), np.abs(b).max(initial=0)))
