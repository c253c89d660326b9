"""One-hot vectors, symbol tasks and the digits."""

import numpy as np
import pytest

from rnn_lib import data


@pytest.mark.parametrize("shape", [(), (1,), (6,), (4, 3)])
def test_one_hot_has_a_one_at_the_label(shape):
    labels = np.random.default_rng(0).integers(5, size=shape)
    X = data.one_hot(labels, 5)
    assert X.shape == (*shape, 5) and X.dtype == np.float64
    assert (X.sum(axis=-1) == 1).all() and (X.argmax(axis=-1) == labels).all() and set(X.flat) == {0, 1}


@pytest.mark.parametrize(
    "labels, error",
    [(5, ValueError), (-1, ValueError), ([0, 5], ValueError), ([-1, 0], ValueError), ([0.0], TypeError),
     ([True], TypeError)],
)
def test_one_hot_refuses(labels, error):
    with pytest.raises(error, match="labels"):
        data.one_hot(labels, 5)


def test_the_first_symbol_is_the_class():
    X, labels = data.first_symbol(300, length=7, n_symbols=4)
    assert X.shape == (7, 300, 4) and labels.shape == (300,)
    assert (X[0].argmax(axis=-1) == labels).all()
    assert (np.bincount(labels, minlength=4) > 40).all()


@pytest.mark.parametrize("length", [1, 2, 10])
def test_parity_counts_the_ones_so_far(length):
    X, labels = data.parity(100, length)
    assert X.shape == (length, 100, 2) and labels.shape == (length, 100)
    assert (X[..., 1].cumsum(axis=0) % 2 == labels).all()


@pytest.mark.parametrize("length", [6, 10, 40])
def test_brackets_balance_where_the_class_says_so(length):
    X, labels = data.brackets(101, length)
    assert X.shape == (length, 101, 2) and labels.shape == (101,)
    assert labels.sum() == 50
    for symbols, label in zip(X.argmax(axis=-1).T, labels, strict=True):
        text = "".join("()"[s] for s in symbols)
        assert text[0] == "(" and text[-1] == ")" and text.count("(") == text.count(")")
        while "()" in text:
            text = text.replace("()", "")
        assert (text == "") == label


def test_random_labels_are_labels():
    labels = data.random_labels(1000, 10)
    assert labels.shape == (1000,) and (np.bincount(labels, minlength=10) > 60).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda seed: data.first_symbol(20, seed=seed), lambda seed: data.parity(20, seed=seed),
        lambda seed: data.brackets(20, seed=seed), lambda seed: (data.random_labels(20, 4, seed=seed),) * 2,
    ],
)
def test_a_seed_decides(make):
    a, b, c = make(1), make(1), make(2)
    assert (a[0] == b[0]).all() and (a[1] == b[1]).all()
    assert not (a[0] == c[0]).all()


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: data.first_symbol(0), ValueError, "n_sequences"),
        (lambda: data.first_symbol(5, length=0), ValueError, "length"),
        (lambda: data.first_symbol(5, n_symbols=1), ValueError, "n_symbols"),
        (lambda: data.first_symbol(5, seed=-1), ValueError, "seed"),
        (lambda: data.parity(5, length=2.0), TypeError, "length"),
        (lambda: data.brackets(5, length=9), ValueError, "length.*even.*9"),
        (lambda: data.brackets(5, length=4), ValueError, "length"),
        (lambda: data.brackets(0), ValueError, "n_sequences"),
        (lambda: data.random_labels(5, 0), ValueError, "n_classes"),
        (lambda: data.one_hot([0], 0), ValueError, "n_classes"),
    ],
)
def test_the_tasks_refuse(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_digits_are_all_there_and_split_as_documented():
    X_train, labels_train, X_test, labels_test = data.load_digits()
    assert X_train.shape == (8, 1437, 8) and X_test.shape == (8, 360, 8)
    assert labels_train.shape == (1437,) and labels_test.shape == (360,)
    for X in (X_train, X_test):
        assert X.min() == 0 and X.max() == 1 and ((16 * X) % 1 == 0).all()
    counts = np.bincount(np.concatenate([labels_train, labels_test]))
    assert counts.tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]  # as the source documents
    assert np.bincount(labels_test).min() >= 27


def as_rows(X, labels):
    """Each digit and its label as bytes, sorted."""
    return sorted(digit.tobytes() + bytes([label]) for digit, label in zip(X.transpose(1, 0, 2), labels, strict=True))


def test_both_splits_hold_the_same_digits():
    parts = [data.load_digits(), data.load_digits(split="writers")]
    mixed, writers = (
        as_rows(np.concatenate(split[0::2], axis=1), np.concatenate(split[1::2])) for split in parts
    )
    assert mixed == writers and len(set(mixed)) > 1700


def test_the_split_by_writers_holds_out_whole_forms():
    X_train, labels_train, X_test, labels_test = data.load_digits(split="writers")
    assert X_train.shape == (8, 1415, 8) and X_test.shape == (8, 382, 8) and len(labels_test) == 382
    text = "".join(map(str, np.concatenate([labels_train, labels_test])))
    starts, ends = data.DIGIT_FORMS, [*data.DIGIT_FORMS[1:], 1797]
    assert len(starts) == 14 and starts[-3] == len(labels_train)
    for start, end in zip(starts, ends, strict=True):  # everybody filled the same form; a few digits were lost
        form = text[start:end]
        assert 122 <= len(form) <= 130 and form.startswith(("012345", "123456"))
        assert form.count("55650989841773") == 1 and 29 < form.index("55650989841773") < 33


def test_no_held_out_digit_is_also_in_the_training_set():
    X_train, _, X_test, _ = data.load_digits()
    train = {digit.tobytes() for digit in X_train.transpose(1, 0, 2).copy()}
    assert not any(digit.tobytes() in train for digit in X_test.transpose(1, 0, 2).copy())


def test_the_digits_are_the_right_way_up():
    X_train, labels_train, _, _ = data.load_digits()
    mean = np.array([X_train[:, labels_train == digit].mean(axis=1) for digit in range(10)])  # (digit, row, column)
    assert mean[7, 0].sum() > 2 * mean[7, 7].sum()  # a seven has its bar at the top
    assert mean[6, 5:, 4:].sum() > 2 * mean[6, :3, 4:].sum()  # a six has its bowl at the bottom, on the right
    assert mean[0, 3:5, 3:5].sum() < mean[0, 3:5, 1:3].sum()  # a zero is empty in the middle
