"""What figures say: the sentence is kept, shown and handed on, and the numbers in it are written alike everywhere."""

import pickle

import numpy as np
import pytest
from matplotlib.figure import Figure

from rnn_lib import plots
from rnn_lib.plots.style import new_figure
from rnn_lib.plots.words import course, courses, listing, number, plain


@pytest.mark.parametrize("figure", [Figure(), new_figure()[0]], ids=["Matplotlib's", "the course's"])
def test_a_figure_says_its_sentence(figure):
    assert plots.say(figure, "The gradient of  $W_{hh}$ falls\nto 0.1.") is figure
    assert figure.sentence == "The gradient of W_hh falls to 0.1."
    data, metadata = figure._repr_mimebundle_(include=None, exclude=None)
    assert data == {"text/plain": figure.sentence} and metadata == {"image/png": {"alt": figure.sentence}}
    plots.say(figure, "It may think better of it.")
    assert figure._repr_mimebundle_()[0]["text/plain"] == figure.sentence == "It may think better of it."


def test_a_figure_that_speaks_can_still_be_copied():
    figure = pickle.loads(pickle.dumps(plots.say(Figure(), "A figure with nothing in it.")))
    assert figure._repr_mimebundle_()[0]["text/plain"] == "A figure with nothing in it."


@pytest.mark.parametrize(("sentence", "error", "words"), [
    ("Too few words.", ValueError, "at least 5 words, got 'Too few words.'"), ("", ValueError, "got ''"),
    (None, TypeError, "sentence must be a text, got NoneType"), (["a"] * 9, TypeError, "got list"),
])
def test_a_sentence_that_says_nothing_is_refused(sentence, error, words):
    figure = Figure()
    with pytest.raises(error, match="sentence") as caught:
        plots.say(figure, sentence)
    assert words in str(caught.value) and not hasattr(figure, "sentence")


@pytest.mark.parametrize(("value", "text"), [
    (0, "0"), (-0.0, "0"), (1, "1"), (0.0123, "0.012"), (-3.44, "−3.4"), (99.6, "100"), (516.7, "517"), (1958, "1958"),
    (1e-9, "1e-9"), (2.34e-17, "2.3e-17"), (-1.26e7, "−1.3e7"), (0.0001, "0.0001"), (0.00004, "4e-5"), (0.5, "0.5"),
    (np.inf, "inf"), (np.nan, "nan"), (np.float32(0.1), "0.1"),
])
def test_numbers(value, text):
    assert number(value) == text


@pytest.mark.parametrize(("values", "words"), [
    ([1, 0.5, 0.1], "falls from 1 to 0.1"), ([0.1, 1], "rises from 0.1 to 1"), ([[1], [2]], "rises from 1 to 2"),
    ([0.5, 0.503, 0.1], "falls from 0.5 to 0.1"), ([2, 2.0001], "stays at 2"), ([3], "stays at 3"),
    ([0, 5, 1], "goes from 0 to 1, between 0 and 5"), ([1, 1, 0, 1], "goes from 1 to 1, between 0 and 1"),
])
def test_courses(values, words):
    assert course(np.array(values)) == words


def test_lists_and_labels():
    assert courses({"a": [1, 0], "b": [2]}) == "a falls from 1 to 0; b stays at 2"
    assert (listing("a"), listing("ab"), listing([1, 2, 3])) == ("a", "a and b", "1, 2 and 3")
    assert plain("radius$^k$, $x_t$, $W_{hh}$, $\\rho$, 5 %") == "radius^k, x_t, W_hh, rho, 5 %"
