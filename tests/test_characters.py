"""Text: the course's own prose and its vocabulary, models that count, sampling, and how far back a network looks."""

import numpy as np
import pytest

from rnn_lib import RNN, data
from rnn_lib.generate import sample
from rnn_lib.losses import softmax
from rnn_lib.ngram import ngram_losses
from rnn_lib.saliency import saliency

# --- the text -------------------------------------------------------------------------------------------------------


def test_the_text_is_frozen():
    train, test = data.load_course_text()
    assert (len(train), len(test)) == (113337, 12592)
    assert train.startswith("# 00 · Start here\n") and test.endswith("\n")
    assert set(test) <= set(train)
    vocabulary = data.Vocabulary(train)
    assert len(vocabulary) == 91
    counts = np.bincount(vocabulary.encode(train + test))
    assert counts.min() >= 10


def test_a_vocabulary_goes_there_and_back():
    vocabulary = data.Vocabulary("banana\n·")
    assert vocabulary.symbols == "\nabn·" and len(vocabulary) == 5
    assert vocabulary.encode("nab").tolist() == [3, 1, 2]
    assert vocabulary.decode(vocabulary.encode("ban\n·")) == "ban\n·"


def test_a_symbol_that_is_not_in_the_vocabulary_is_named():
    with pytest.raises(ValueError, match="text: expected symbols of the vocabulary, 'ab', got 'c' at 2"):
        data.Vocabulary("ab").encode("abc")


# --- counting -------------------------------------------------------------------------------------------------------


def probability(history, symbol, train, n, n_symbols):
    """Witten and Bell's p of one symbol, by reading the whole text again for every question."""
    if n == 0:
        return 1 / n_symbols
    shorter = probability(history, symbol, train, n - 1, n_symbols)
    context = history[len(history) - n + 1 :]
    followers = [train[i + n - 1] for i in range(len(train) - n + 1) if train[i : i + n - 1] == context]
    if not followers:
        return shorter
    D = len(set(followers))
    return (followers.count(symbol) + D * shorter) / (len(followers) + D)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4])
def test_ngrams_are_those_of_the_slow_way(n):
    rng = np.random.default_rng(n)
    train, test = rng.integers(3, size=40), rng.integers(4, size=15)
    p = [probability([*train, *test[:i]], symbol, train.tolist(), n, 4) for i, symbol in enumerate(test)]
    expected = -np.log(p)
    np.testing.assert_allclose(ngram_losses(train, test, n, 4), expected, rtol=1e-12)


def test_ngrams_give_probabilities():
    train = np.random.default_rng(0).integers(5, size=60)
    for n in (1, 2, 3):
        assert sum(np.exp(-ngram_losses(train, [symbol], n, 5)[0]) for symbol in range(5)) == pytest.approx(1)


def test_longer_grams_of_the_course_forecast_it_better_up_to_five():
    train, test = data.load_course_text()
    vocabulary = data.Vocabulary(train)
    train, test = vocabulary.encode(train), vocabulary.encode(test)
    perplexities = [np.exp(ngram_losses(train, test, n, 91).mean()) for n in range(7)]
    np.testing.assert_allclose(perplexities, [91, 26.4, 13.1, 7.4, 5.3, 5.1, 5.4], atol=0.05)


# --- sampling -------------------------------------------------------------------------------------------------------


@pytest.fixture
def model():
    model = RNN(4, 6, 4, seed=1)
    model.params["W_hy"] *= 3
    return model


WARM_UP = np.array([[0, 3], [2, 1], [1, 1]])


@pytest.mark.parametrize("temperature, top_k", [(1.0, None), (0.5, None), (2.0, 2), (1.0, 1)])
def test_symbols_are_drawn_from_the_softmax(model, temperature, top_k):
    """The first symbol of many copies of one sequence, against its probabilities."""
    B = 20000
    logits = model.forward(data.one_hot(WARM_UP[:, :1], 4))[-1, 0]
    p = softmax(logits / temperature)
    if top_k:
        p[np.argsort(-p)[top_k:]] = 0
        p /= p.sum()
    drawn = sample(model, np.repeat(WARM_UP[:, :1], B, axis=1), 1, temperature, top_k, seed=3)
    assert drawn.shape == (1, B)
    np.testing.assert_allclose(np.bincount(drawn[0], minlength=4) / B, p, atol=4 * 0.5 / np.sqrt(B))


def test_each_symbol_drawn_is_the_next_input(model):
    """At temperature 0 it is the most likely one after everything that was read and written."""
    written = sample(model, WARM_UP, 8, temperature=0)
    read = np.concatenate([WARM_UP, written])
    Y = model.forward(data.one_hot(read, 4))
    assert written.shape == (8, 2) and np.array_equal(Y[2:-1].argmax(axis=-1), written)
    assert np.array_equal(written, sample(model, WARM_UP, 8, temperature=2, top_k=1, seed=5))


def test_sampling_is_decided_by_its_seed(model):
    first = sample(model, WARM_UP, 20, seed=7)
    assert np.array_equal(first, sample(model, WARM_UP, 20, seed=7))
    assert np.array_equal(first[:5], sample(model, WARM_UP, 5, seed=7)), "a longer text begins as a shorter one"
    assert not np.array_equal(first, sample(model, WARM_UP, 20, seed=8))


def test_each_step_is_told(model):
    told = []
    written = sample(model, WARM_UP, 5, on_step=told.append)
    assert np.array_equal(written, told)


@pytest.mark.parametrize("temperature", [1e-300, 1e300])
def test_extreme_temperatures(model, temperature):
    assert sample(model, WARM_UP, 3, temperature).shape == (3, 2)


def test_a_model_of_other_things_cannot_be_sampled():
    with pytest.raises(ValueError, match="model: expected an input and an output for each symbol, got 3 and 4"):
        sample(RNN(3, 2, 4), WARM_UP, 2)


# --- how far back ---------------------------------------------------------------------------------------------------


def test_saliency_is_the_slope_by_the_complex_step(model):
    rng = np.random.default_rng(2)
    X, outputs = rng.normal(size=(5, 1, 4)), np.array([3, 0, 1, 1, 2])
    before = X.copy()
    slopes = np.zeros((5, 5, 4))  # of output t by number i of input k
    for k in range(5):
        for i in range(4):
            for name, p in model.params.items():
                model.params[name] = p.astype(complex)
            nudged = X.astype(complex)
            nudged[k, 0, i] += 1e-30j
            slopes[:, k, i] = model.forward(nudged)[np.arange(5), 0, outputs].imag / 1e-30
            for name, p in model.params.items():
                model.params[name] = p.real.copy()
    S = saliency(model, X, outputs)
    np.testing.assert_allclose(S, np.linalg.norm(slopes, axis=-1), rtol=1e-10, atol=1e-14)
    assert (np.triu(S, 1) == 0).all() and np.array_equal(X, before)
    np.testing.assert_allclose(saliency(model, X, outputs, steps=[3, 1]), S[[3, 1]], rtol=1e-12, atol=1e-15)
