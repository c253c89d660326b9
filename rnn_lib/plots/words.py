"""What a figure says in words: for whoever hears the page, reads it without pictures, or compares two runs of it."""

import re
from functools import partial

import numpy as np

MIN_WORDS = 5


def say(figure, sentence):
    """Give a figure its sentence and return the figure.

    A notebook shows the sentence as the figure's text form, in place of "<Figure size ...>", and hands it on as the
    picture's `alt` text. It also stands in `figure.sentence`. Formulas in $...$ are written as they are spoken.
    Raises TypeError if the sentence is no text, ValueError if it has fewer than five words.
    """
    if not isinstance(sentence, str):
        raise TypeError(f"sentence must be a text, got {type(sentence).__name__}")
    sentence = " ".join(plain(sentence).split())
    if len(sentence.split()) < MIN_WORDS:
        raise ValueError(f"sentence must say what the figure shows in at least {MIN_WORDS} words, got {sentence!r}")
    figure.sentence = sentence
    figure._repr_mimebundle_ = partial(mime_bundle, sentence)  # IPython asks the figure itself for it
    return figure


def mime_bundle(sentence, include=None, exclude=None):
    """Return what IPython's display system asks for: (data, metadata). The picture comes from Matplotlib's backend."""
    return {"text/plain": sentence}, {"image/png": {"alt": sentence}}


def plain(text):
    """Return a label without the signs that only typesetting needs: "$W_{hh}$" is W_hh."""
    return re.sub(r"\$([^$]*)\$", lambda formula: re.sub(r"[{}\\]", "", formula[1]), text)


def number(value):
    """Write a number with two significant digits, whole ones from 100 on: 0.012, 1e-9, −3.4, 517."""
    if value and not 1e-4 <= abs(value) < 1e6:
        mantissa, e, exponent = f"{value:.2g}".partition("e")
        return mantissa.replace("-", "−") + (e and f"e{int(exponent)}")
    rounded = float(f"{value:.0f}" if abs(value) >= 100 else f"{value:.2g}") + 0.0  # no negative zero
    return np.format_float_positional(rounded, trim="-").replace("-", "−")


def small(value):
    """Write a number that may be tiny, as the errors of a trained network, whose digits differ between machines."""
    return number(value) if abs(value) >= 1e-4 or value == 0 else "less than 0.0001"


def order(value):
    """Write a number that may be tiny, and then its order of magnitude alone."""
    return number(value) if abs(value) >= 1e-4 or value == 0 else f"about 1e{round(np.log10(abs(value)))}"


def course(values):
    """Say how a series of numbers runs: where it starts and ends and, if it leaves these bounds, how far."""
    values = np.ravel(values)
    first, last, low, high = map(small, (values[0], values[-1], values.min(), values.max()))
    if low == high:
        return f"stays at {low}"
    if first == last and first in (low, high):
        return f"leaves {first} for {high if first == low else low} and comes back"
    if {first, last} == {low, high}:
        return f"{'falls' if first == high else 'rises'} from {first} to {last}"
    return f"goes from {first} to {last}, between {low} and {high}"


def courses(values):
    """Say how each of {label: series} runs."""
    return "; ".join(f"{label} {course(series)}" for label, series in values.items())


def listing(items):
    """Join words as one says them: a, b and c."""
    *items, last = map(str, items)
    return f"{', '.join(items)} and {last}" if items else last
