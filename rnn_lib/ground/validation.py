"""Checks of arguments: every message names the argument, what came and what was expected."""

import math
import numbers
import os
from functools import lru_cache

import numpy as np

__all__ = [
    "as_array", "cast", "check_array", "check_callable", "check_choice", "check_has", "check_int", "check_labels",
    "check_lengths", "check_loss", "check_mask", "check_named_arrays", "check_number", "check_path",
    "check_same_keys", "check_text", "describe", "fits", "is_finite", "rows_or_steps", "shape_of",
]

NUMBERS = "fiubc"  # kinds of dtype: float, int, unsigned, bool, complex


def is_finite(array):
    """True if no element of `array` is NaN or infinite."""
    # A sum of squares is finite only if every element is, and costs half of the exact test;
    # it can overflow for huge finite numbers, so the exact test has the last word.
    # (vdot, because it flattens by itself and overflows without a warning.)
    if type(array) is np.ndarray and array.dtype.kind == "f" and math.isfinite(np.vdot(array, array)):
        return True
    return bool(np.isfinite(array).all())


def check_array(name, value, shape=(...,), dtype=None, finite=True):
    """Return `value` as an array of numbers, or raise an error that names it.

    `shape` is a tuple: an int fixes a dimension, a string such as "T" only names it, and ... stands for any number of
    dimensions. An empty dimension is never accepted. `dtype` is what the result is cast to (default: left as it is).
    """
    array = value if type(value) is np.ndarray else as_array(name, value)
    if array.dtype != dtype and (dtype is not None or array.dtype.kind not in NUMBERS):
        array = cast(name, value, array, dtype)
    if not fits(array.shape, shape):
        expected = ", ".join("..." if n is ... else str(n) for n in shape) + "," * (len(shape) == 1 and shape != (...,))
        empty = ", which is empty" if 0 in array.shape else ""
        raise ValueError(f"{name}: expected shape ({expected}), got {array.shape}{empty}")
    if finite and not is_finite(array):
        bad = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name}: expected finite numbers, got {array[bad]} at index {bad}")
    return array


def as_array(name, value):
    """Return a list, a number or another kind of array as a NumPy array, or raise."""
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name}: expected an array without a mask of its own, got {describe(value)}")
    try:
        return np.asarray(value)
    except Exception as error:  # a ragged list; or another kind of array that refuses, for a reason of its own
        raise TypeError(f"{name}: expected an array of numbers, got {describe(value)} ({error})") from None


def cast(name, value, array, dtype):
    """Return an array of numbers in this dtype, or raise if it holds something else."""
    if array.dtype.kind not in NUMBERS:
        raise TypeError(f"{name}: expected an array of numbers, got {describe(value)}")
    if array.dtype.kind == "c" and np.dtype(dtype).kind != "c":
        raise TypeError(f"{name}: expected real numbers, got dtype {array.dtype}")
    with np.errstate(over="ignore"):  # too large for float32: infinite, which the last check reports
        return array.astype(dtype)


@lru_cache(256)  # the same shapes come again and again
def fits(sizes, shape):
    """True if an array's sizes are those of `shape`, as in `check_array`."""
    if 0 in sizes:
        return False
    if sizes == shape:
        return True
    if ... in shape:
        i, n = shape.index(...), len(sizes) - len(shape) + 1
        shape = shape[:i] + ("any",) * n + shape[i + 1 :]
    return len(sizes) == len(shape) and all([n == m or type(m) is str for n, m in zip(sizes, shape, strict=True)])


def shape_of(value):
    """Return the shape of an array or nested list; () for what is none, which `check_array` then refuses."""
    try:
        return np.shape(value)
    except Exception:  # as in `as_array`
        return ()


def rows_or_steps(value, size):
    """Return the shape to expect where time may be missing: (B, size) of what has two dimensions, else (T, B, size)."""
    return ("B", size) if len(shape_of(value)) == 2 else ("T", "B", size)


def check_int(name, value, minimum=1, maximum=None):
    """Return `value` as an int between `minimum` and `maximum`, or raise an error that names it."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral):
        raise TypeError(f"{name}: expected a whole number, got {describe(value)}")
    if value < minimum or (maximum is not None and value > maximum):
        limit = f"at least {minimum}" if maximum is None else f"from {minimum} to {maximum}"
        raise ValueError(f"{name}: expected a whole number {limit}, got {value}")
    return int(value)


def check_number(name, value, above=-math.inf, minimum=-math.inf, below=math.inf):
    """Return `value` as a float with above < value < below and value >= minimum, or raise an error."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name}: expected a number, got {describe(value)}")
    try:
        number = float(value)
    except OverflowError:  # a whole number of more than 308 digits
        number = math.inf
    if not (above < number < below and number >= minimum):
        limits = [f"above {above}"] * (above > -math.inf) + [f"at least {minimum}"] * (minimum > -math.inf)
        limits += [f"below {below}"] * (below < math.inf)
        expected = "expected a finite number " + " and ".join(limits)
        raise ValueError(f"{name}: {expected.strip()}, got {value}")
    return number


def check_choice(name, value, choices):
    """Return `value` if it is one of `choices`, or raise an error that lists them."""
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected one of {', '.join(map(repr, choices))}, got {describe(value)}")
    if value not in choices:
        raise ValueError(f"{name}: expected one of {', '.join(map(repr, choices))}, got {value!r}")
    return value


def check_named_arrays(name, value):
    """Return `value` if it is a dict of arrays of floats, such as a model's params, or raise."""
    if not isinstance(value, dict) or not value:
        raise TypeError(f"{name}: expected a dict of arrays, such as model.params, got {describe(value)}")
    for key, array in value.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
            raise TypeError(f"{name}[{key!r}]: expected an array of floats, got {describe(array)}")
    return value


def check_labels(name, labels, n_classes, shape, counts=True):
    """Return `labels` as class numbers of this shape, or raise; where `counts` is False any number will do."""
    labels = check_array(name, labels, shape)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected whole numbers, got dtype {labels.dtype}")
    wrong = ((labels < 0) | (labels >= n_classes)) & counts
    if wrong.any():
        index = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise ValueError(f"{name}: expected classes from 0 to {n_classes - 1}, got {labels[index]} at index {index}")
    return labels


def check_mask(mask, shape):
    """Return `mask` as booleans of this shape, at least one of them True, or raise."""
    mask = check_array("mask", mask, shape)
    if mask.dtype != bool:
        raise TypeError(f"mask: expected booleans, got dtype {mask.dtype}")
    if not mask.any():
        raise ValueError("mask: expected at least one target that counts, got a mask that is False everywhere")
    return mask


def check_lengths(mask, shape):
    """Return how long each sequence is, (B,), by its mask, (T, B), or raise: padding stands behind what is real."""
    mask = check_mask(mask, shape)
    lengths = mask.sum(axis=0)
    if not mask[0].all():
        b = int(mask[0].argmin())
        raise ValueError(f"mask: expected sequences that begin at step 0, got False there in sequence {b}")
    padded_inside = (mask[1:] > mask[:-1]).any(axis=0)
    if padded_inside.any():
        b = int(padded_inside.argmax())
        raise ValueError(f"mask: expected padding behind a sequence only, got a True after a False in sequence {b}")
    return lengths


def check_same_keys(name, value, params):
    """Raise unless the dict `value` has the keys of `params` and, under each, an array of the same shape."""
    if type(value) is dict and value.keys() == params.keys():
        total = 0.0  # of squares, as in is_finite
        for key, param in params.items():
            array = value[key]
            if type(array) is not np.ndarray or array.dtype.kind != "f" or array.shape != param.shape:
                break
            total += float(np.vdot(array, array))
        else:
            if math.isfinite(total):
                return
    check_named_arrays(name, value)  # something is wrong: say what
    if value.keys() != params.keys():
        raise ValueError(f"{name}: expected keys {', '.join(params)}, got {', '.join(map(str, value))}")
    for key, param in params.items():
        check_array(f"{name}[{key!r}]", value[key], param.shape)


def check_loss(answer, shape=None, dtype=None):
    """Return (loss, dLoss/dY), as a loss function returned them, or raise; they need not be finite.

    With `shape`, that of Y, the loss must be one number, and dLoss/dY an array like Y.
    """
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise TypeError(f"loss_fn: expected (loss, dLoss/dY), as mse_loss returns, got {describe(answer)}")
    loss, dY = answer
    if shape is not None:
        check_array("loss_fn: loss", loss, (), dtype, finite=False)
        dY = check_array("loss_fn: dLoss/dY", dY, shape, dtype, finite=False)
    return loss, dY


def check_path(name, value):
    """Return `value` as a string if it is a file's path, or raise an error that names it."""
    if not isinstance(value, (str, os.PathLike)):
        raise TypeError(f"{name}: expected a file's path, got {describe(value)}")
    return os.fspath(value)


def check_text(name, value):
    """Return `value` if it is a text of at least one symbol, or raise an error that names it."""
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected a text, got {describe(value)}")
    if not value:
        raise ValueError(f"{name}: expected at least one symbol, got an empty text")
    return value


def check_has(name, value, *attributes):
    """Return `value` if it has these attributes, or raise an error that names it."""
    if not all(hasattr(value, attribute) for attribute in attributes):
        raise TypeError(f"{name}: expected an object with {', '.join(attributes)}, got {describe(value)}")
    return value


def check_callable(name, value):
    """Return `value` if it can be called, or raise an error that names it."""
    if not callable(value):
        raise TypeError(f"{name}: expected a function, got {describe(value)}")
    return value


def describe(value):
    """Say in a few words what `value` is, for an error message."""
    if isinstance(value, np.ndarray):
        return f"an array of dtype {value.dtype} and shape {value.shape}"
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 40 else text[:37] + '...'}"
