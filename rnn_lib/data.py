"""Data: made from a seed, or shipped with the package (datasets/README.md has the sources)."""

from importlib import resources

import numpy as np

from rnn_lib.ground.seeds import generator
from rnn_lib.ground.validation import (
    check_array,
    check_choice,
    check_int,
    check_labels,
    check_number,
    check_text,
    describe,
    shape_of,
)

__all__ = [
    "Vocabulary", "brackets", "first_symbol", "load_co2", "load_course_text", "load_digits", "logistic_map", "one_hot",
    "pad", "parity", "random_labels", "sine_wave", "streams", "tiny_example", "windows",
]

# Where the 14 forms begin that people filled with digits, in the order of the source (datasets/README.md).
DIGIT_FORMS = (0, 130, 256, 386, 516, 646, 776, 906, 1029, 1157, 1287, 1415, 1545, 1667)


def sine_wave(n_points=200, points_per_period=25, noise=0.0, seed=0):
    """Return n_points of sin(2 pi t / points_per_period), with normal noise of that standard deviation."""
    n_points = check_int("n_points", n_points)
    points_per_period = check_number("points_per_period", points_per_period, above=0)
    noise = check_number("noise", noise, minimum=0)
    rng = generator(seed, "sine_wave")
    return np.sin(2 * np.pi * np.arange(n_points) / points_per_period) + noise * rng.normal(size=n_points)


def logistic_map(n_points=500, start=0.3, r=4.0):
    """Return n_points of x_{t+1} = r x_t (1 - x_t), from x_1 = `start`, 0 < start < 1 and 0 < r <= 4.

    All of them lie between 0 and 1. At r = 4 the map is chaotic: on average an error doubles in each step.
    """
    n_points = check_int("n_points", n_points)
    x, r = check_number("start", start, above=0, below=1), check_number("r", r, above=0)
    if r > 4:
        raise ValueError(f"r: expected a number up to 4, above which the values leave the range from 0 to 1, got {r}")
    series = np.empty(n_points)
    for t in range(n_points):  # by Python's floats: the same bits on every machine, or chaos would tell them apart
        series[t] = x
        x = r * x * (1 - x)
    return series


def windows(series, length, stride=1):
    """Cut a series into windows and, for each step, the value that comes next.

    Returns X and target, both (length, B, 1): target[t, b] is the value after X[t, b].
    """
    series = check_array("series", series, ("N",))
    if len(series) < 2:
        raise ValueError(f"series: expected at least 2 values, a window and what comes next, got {len(series)}")
    length = check_int("length", length, maximum=len(series) - 1)
    stride = check_int("stride", stride)
    starts = np.arange(0, len(series) - length, stride)
    index = np.arange(length)[:, None] + starts
    return series[index][..., None], series[index + 1][..., None]


def streams(series, n_streams):
    """Cut a long series, (N, ...), into `n_streams` pieces to be read side by side: (N // n_streams, n_streams, ...).

    Each stream goes on where the one before it ends; what is left over at the end is dropped. For `fit_stream`:

        X, target = streams(one_hot(text[:-1], C), 32), streams(text[1:], 32)
    """
    series = check_array("series", series, ("N", ...))
    n_streams = check_int("n_streams", n_streams, maximum=len(series))
    length = len(series) // n_streams
    pieces = series[: length * n_streams].reshape(n_streams, length, *series.shape[1:])
    return pieces.swapaxes(0, 1).copy()


def pad(sequences):
    """Put sequences of unequal length side by side, with zeros behind the shorter ones.

    `sequences` is a list of B arrays, (T_b, ...): inputs, or targets with an entry for each step. Returns the array,
    (T, B, ...), T the longest, and its mask, (T, B): True where a step is real. mask.sum(axis=0) are the lengths T_b.
    """
    if not isinstance(sequences, list | tuple) or not sequences:
        raise TypeError(f"sequences: expected a list of arrays, one for each sequence, got {describe(sequences)}")
    rest = shape_of(sequences[0])[1:]
    sequences = [check_array(f"sequences[{b}]", sequence, ("T", *rest)) for b, sequence in enumerate(sequences)]
    lengths = np.array([len(sequence) for sequence in sequences])
    padded = np.zeros((lengths.max(), len(lengths), *rest), np.result_type(*sequences))
    for b, sequence in enumerate(sequences):
        padded[: len(sequence), b] = sequence
    return padded, np.arange(lengths.max())[:, None] < lengths


def one_hot(labels, n_classes):
    """Turn whole numbers from 0 to C-1, (...), into one-hot vectors, (..., C): a 1 at the label, 0 elsewhere."""
    n_classes = check_int("n_classes", n_classes)
    labels = check_labels("labels", labels, n_classes, (...,))
    vectors = np.zeros((*labels.shape, n_classes))
    np.put_along_axis(vectors, labels[..., None], 1, axis=-1)
    return vectors


def first_symbol(n_sequences=200, length=10, n_symbols=4, seed=0):
    """Random symbols; the class is the one that came first.

    Returns X, one-hot, (length, n_sequences, n_symbols), and labels, (n_sequences,).
    """
    n_sequences, length = check_int("n_sequences", n_sequences), check_int("length", length)
    rng = generator(seed, "first_symbol")
    symbols = rng.integers(check_int("n_symbols", n_symbols, minimum=2), size=(length, n_sequences))
    return one_hot(symbols, n_symbols), symbols[0]


def parity(n_sequences=200, length=10, seed=0):
    """Random bits; the class at each step is 1 if the number of ones so far is odd, else 0.

    Returns X, one-hot, (length, n_sequences, 2), and labels, (length, n_sequences); labels[-1] is the whole sequence's.
    """
    n_sequences, length = check_int("n_sequences", n_sequences), check_int("length", length)
    rng = generator(seed, "parity")
    bits = rng.integers(2, size=(length, n_sequences))
    return one_hot(bits, 2), bits.cumsum(axis=0) % 2


def brackets(n_sequences=200, length=10, seed=0):
    """Sequences of "(" (symbol 0) and ")" (symbol 1); the class is 1 if they balance: half of them, rounded down.

    All of them begin with "(", end with ")" and hold as many of one as of the other, so that only the
    order decides. Returns X, one-hot, (length, n_sequences, 2), and labels, (n_sequences,).
    """
    n_sequences, length = check_int("n_sequences", n_sequences), check_int("length", length, minimum=6)
    if length % 2:
        raise ValueError(f"length: expected an even number, got {length}")
    rng = generator(seed, "brackets")
    labels = rng.permutation(n_sequences) % 2
    symbols = np.empty((length, n_sequences), int)
    missing = np.arange(n_sequences)
    while missing.size:  # draw again until each sequence is of its class
        middle = np.repeat([0, 1], length // 2 - 1)[:, None].repeat(missing.size, axis=1)
        symbols[0], symbols[-1] = 0, 1
        symbols[1:-1, missing] = rng.permuted(middle, axis=0)
        depth = (1 - 2 * symbols[:, missing]).cumsum(axis=0)
        missing = missing[(depth.min(axis=0) >= 0) != labels[missing]]
    return one_hot(symbols, 2), labels


def random_labels(n_sequences, n_classes, seed=0):
    """Return labels, (n_sequences,), that have nothing to do with anything."""
    rng = generator(seed, "random_labels")
    return rng.integers(check_int("n_classes", n_classes), size=check_int("n_sequences", n_sequences))


def load_digits(split="mixed"):
    """Load 1797 handwritten digits of 8 by 8 pixels, to be read from top to bottom, one row per step.

    Returns X_train, labels_train, X_test, labels_test: X is (8, N, 8), row, digit, column, from 0 (paper) to 1 (ink).

    split  "mixed":   in random order, 1437 and 360: the same people wrote digits of both parts
           "writers": in the source's order, 1415 and 382: form after form, each filled by one person. Form k begins
                      at digit `DIGIT_FORMS[k]`; the last three of the 14 are held out
    """
    check_choice("split", split, ("mixed", "writers"))
    with resources.files("rnn_lib.datasets").joinpath("digits_8x8.npz").open("rb") as file, np.load(file) as arrays:
        pixels, labels, source_row = arrays["pixels"] / 16, arrays["labels"].astype(int), arrays["source_row"]
    n_train = len(labels) - 360
    if split == "writers":
        as_written = np.argsort(source_row)
        pixels, labels, n_train = pixels[as_written], labels[as_written], DIGIT_FORMS[-3]
    X = pixels.transpose(1, 0, 2).copy()  # the file has (digit, row, column)
    return X[:, :n_train], labels[:n_train], X[:, n_train:], labels[n_train:]


def load_co2():
    """Load the monthly means of CO2 at Mauna Loa, March 1958 to December 2001 (datasets/README.md).

    Returns (years, co2), both (526,): the middle of each month in decimal years, and parts per million.
    """
    with resources.files("rnn_lib.datasets").joinpath("co2_mauna_loa_monthly.csv").open(encoding="utf-8") as file:
        year, month, co2, _ = np.loadtxt(file, delimiter=",", skiprows=1, unpack=True)
    return year + (month - 0.5) / 12, co2


def load_course_text():
    """Load the prose of notebooks 00 to 08 as it was when notebook 10 was begun (datasets/README.md).

    Returns (train, test), two texts: the last tenth is held out.
    """
    text = resources.files("rnn_lib.datasets").joinpath("course_text.txt").read_text(encoding="utf-8")
    n_test = len(text) // 10
    return text[:-n_test], text[-n_test:]


class Vocabulary:
    """The symbols of a text, and a number for each: its place in `symbols`, which are sorted."""

    def __init__(self, text):
        """`text` holds each symbol at least once."""
        self.symbols = "".join(sorted(set(check_text("text", text))))
        self._numbers = {symbol: i for i, symbol in enumerate(self.symbols)}

    def __len__(self):
        """How many symbols there are."""
        return len(self.symbols)

    def encode(self, text):
        """Return the number of each symbol, (N,). Raises ValueError if a symbol is not in the vocabulary."""
        for i, symbol in enumerate(check_text("text", text)):
            if symbol not in self._numbers:
                raise ValueError(f"text: expected symbols of the vocabulary, {self.symbols!r}, got {symbol!r} at {i}")
        return np.array([self._numbers[symbol] for symbol in text])

    def decode(self, numbers):
        """Return the text that these whole numbers, (N,), stand for."""
        numbers = check_labels("numbers", numbers, len(self), ("N",))
        return "".join(self.symbols[i] for i in numbers)


def tiny_example():
    """Return (params, X, target): the network of T=3, B=1, I=1, H=2, O=1 of notebooks 01, 03 and 04."""
    params = {
        "W_xh": np.array([[0.5], [-0.3]]),
        "W_hh": np.array([[0.1, 0.4], [-0.2, 0.3]]),
        "b_h": np.array([0.1, -0.1]),
        "W_hy": np.array([[0.7, -0.5]]),
        "b_y": np.array([0.2]),
    }
    X = np.array([1.0, 0.5, -1.0]).reshape(3, 1, 1)
    target = np.array([0.5, 0.0, -0.5]).reshape(3, 1, 1)
    return params, X, target
