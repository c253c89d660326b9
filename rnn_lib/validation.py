"""Checks of arguments: every message names the argument, what came and what was expected."""

import math
import numbers

import numpy as np


def is_finite(array):
    """True if no element of `array` is NaN or infinite."""
    flat = np.asarray(array).reshape(-1)
    # The dot product is finite only if every element is, and costs a third of the exact test;
    # it can overflow for huge finite numbers, so the exact test has the last word.
    if flat.dtype.kind == "f" and math.isfinite(flat.dot(flat)):
        return True
    return bool(np.isfinite(flat).all())


def check_array(name, value, shape, dtype=None, finite=True):
    """Return `value` as an array of numbers, or raise an error that names it.

    `shape` is a tuple: an int fixes a dimension, a string ("T", "B", ...) only names it. An empty
    dimension is never accepted. `dtype` is what the result is cast to (default: left as it is).
    """
    try:
        array = np.asarray(value)
    except ValueError as error:  # a ragged list
        raise TypeError(f"{name}: expected an array of numbers, got {describe(value)} ({error})") from None
    if array.dtype.kind not in "fiubc":
        raise TypeError(f"{name}: expected an array of numbers, got {describe(value)}")
    if dtype is not None and array.dtype != dtype:
        if array.dtype.kind == "c" and np.dtype(dtype).kind != "c":
            raise TypeError(f"{name}: expected real numbers, got dtype {array.dtype}")
        array = array.astype(dtype)
    fits = array.ndim == len(shape) and 0 not in array.shape
    if not fits or any(n != m for n, m in zip(array.shape, shape, strict=True) if not isinstance(m, str)):
        expected = "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
        empty = ", which is empty" if 0 in array.shape else ""
        raise ValueError(f"{name}: expected shape {expected}, got {array.shape}{empty}")
    if finite and not is_finite(array):
        bad = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        raise ValueError(f"{name}: expected finite numbers, got {array[bad]} at index {bad}")
    return array


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
    if not (math.isfinite(value) and above < value < below and value >= minimum):
        limits = [f"above {above}"] * (above > -math.inf) + [f"at least {minimum}"] * (minimum > -math.inf)
        limits += [f"below {below}"] * (below < math.inf)
        expected = "expected a finite number " + " and ".join(limits)
        raise ValueError(f"{name}: {expected.strip()}, got {value}")
    return float(value)


def check_choice(name, value, choices):
    """Return `value` if it is one of `choices`, or raise an error that lists them."""
    if not isinstance(value, str):
        raise TypeError(f"{name}: expected one of {', '.join(map(repr, choices))}, got {describe(value)}")
    if value not in choices:
        raise ValueError(f"{name}: expected one of {', '.join(map(repr, choices))}, got {value!r}")
    return value


def check_same_keys(name, value, params):
    """Raise unless the dict `value` has the keys of `params` and, under each, an array of the same shape."""
    if not isinstance(value, dict):
        raise TypeError(f"{name}: expected a dict with keys {', '.join(params)}, got {describe(value)}")
    if value.keys() != params.keys():
        raise ValueError(f"{name}: expected keys {', '.join(params)}, got {', '.join(map(str, value)) or 'none'}")
    for key, param in params.items():
        array = value[key]
        if not isinstance(array, np.ndarray) or array.shape != param.shape or not is_finite(array):
            check_array(f"{name}[{key!r}]", array, param.shape)


def describe(value):
    """Say in a few words what `value` is, for an error message."""
    if isinstance(value, np.ndarray):
        return f"an array of dtype {value.dtype} and shape {value.shape}"
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= 40 else text[:37] + '...'}"
