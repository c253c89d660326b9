"""What figures say: the sentence is kept, shown and handed on, and the numbers in it are written alike everywhere."""

import pickle

import numpy as np
import pytest
from matplotlib.figure import Figure

from rnn_lib import playgrounds, plots
from rnn_lib.bugs.examination import Examination
from rnn_lib.plots.style import new_figure
from rnn_lib.plots.words import course, courses, listing, number, plain
from rnn_lib.training import History


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
    ([0, 5, 1], "goes from 0 to 1, between 0 and 5"), ([1, 1, 0, 1], "leaves 1 for 0 and comes back"),
    ([1, 3, 1], "leaves 1 for 3 and comes back"), ([1, 3, 0, 1], "goes from 1 to 1, between 0 and 3"),
])
def test_courses(values, words):
    assert course(np.array(values)) == words


def test_lists_and_labels():
    assert courses({"a": [1, 0], "b": [2]}) == "a falls from 1 to 0; b stays at 2"
    assert (listing("a"), listing("ab"), listing([1, 2, 3])) == ("a", "a and b", "1, 2 and 3")
    assert plain("radius$^k$, $x_t$, $W_{hh}$, $\\rho$, 5 %") == "radius^k, x_t, W_hh, rho, 5 %"


# --- Every figure says what its arrays hold -------------------------------------------------------

RUNS = {"good": History(loss=[1.0, 0.1, 0.01]), "bad": History(loss=[1.0, 5.0], message="diverged", diverged=True)}
LEDGER = playgrounds.run_backward_walk().ledger
T = np.arange(1, 9)
STATES = np.zeros((5, 1, 2))
STATES[3:] = [[[0.5, -0.25]], [[0.1, 0.0]]]
PULSE = np.array([0.0, 0, 1, 0]).reshape(4, 1, 1)
SURFACE = np.tile([3.0, 3, 1, 0.5], (2, 1))
PATH = np.array([[0.0, 0], [3, 4], [3, 5]])


@pytest.mark.parametrize(("draw", "sentence"), [
    (lambda: plots.curves(T, {"up": T, "down": -T}, "Two lines", xlabel="step", ylabel="size"),
     "Two lines: from step 1 to 8, the size of up rises from 1 to 8; down falls from −1 to −8."),
    (lambda: plots.stacked_series(T, {"level": T, "change": np.ones(7)}, "A climb"),
     "A climb: from time step 1 to 8, level rises from 1 to 8; change stays at 1."),
    (lambda: plots.windows_on_timeline(T, length=3, stride=2, title="Cut"),
     "Cut: a series of 8 values and below it the windows of 3 inputs that begin at step 1, 3 and 5; the target of "
     "each input is the value that follows it."),
    (lambda: plots.forecasts(10.0 * T, {"RNN": [50, 60, 70, 90]}, "Close", {"naive": 10.0 * T - 10}),
     "Close: beside the target, naive is off by up to 10 in 8 steps, by up to 10 in the last quarter; RNN is "
     "within a tenth of the range in steps 1 to 3, then off by up to 10 in 4 steps, by up to 10 in the last quarter."),
    (lambda: plots.loss_curves(RUNS, "Two rates", {"rival": 0.5}),
     "Two rates: good falls from 1 to 0.01, bad diverges in epoch 3; rival is 0.5."),
    (lambda: plots.two_losses(RUNS, "Two patients"),
     "Two patients: the loss of good falls from 1 to 0.01, bad diverges in epoch 3."),
    (lambda: plots.loss_grid({"2 units": RUNS, "8 units": {"wild": History(loss=[1.0] * 11 + [2.0, 1.0])}}, "Sizes"),
     "Sizes: with 2 units, good falls from 1 to 0.01, bad diverges in epoch 3; with 8 units, wild jumps."),
    (lambda: plots.step_errors(np.array([1, 2]), {"one": np.ones(2)}, "Errors", "all are 1, always"),
     "Errors: all are 1, always."),
    (lambda: plots.class_probabilities(np.array([[0.9, 0.1], [0.4, 0.6]]), 0, "Doubt", classes="AB"),
     "Doubt: step by step, the most probable class is A B; right is always A, which at the end has 0.4."),
    (lambda: plots.confusion_matrix(np.array([[5, 2], [1, 3]]), "On the diagonal"),
     "On the diagonal: 8 of 11 stand there; the most frequent mistakes are 0 read as 1 (2) and 1 read as 0 (1)."),
    (lambda: plots.confusion_matrix(np.diag([3, 4]), "All of them"),
     "All of them: 7 of 7 stand there; the most frequent mistakes are none."),
    (lambda: plots.digit_images(np.zeros((8, 2, 8)), ["3, read as 5", "1"], "Doubtful ones"),
     "Doubtful ones: 2 digits side by side, 3, read as 5; 1."),
    (lambda: plots.digit_as_sequence(np.zeros((8, 8)), "Rows"),
     "Rows: on the left the whole picture, 8 by 8 pixels; on the right its rows one by one, x_1 at the top to x_8 "
     "at the bottom, each with 8 numbers."),
    (lambda: plots.backward_walk(LEDGER, 2),
     "Step 2: the two roads add up to dh_2; back through tanh it is dz_2: dy_2 = (0.3948), from_y = (0.2764, "
     "-0.1974), carry = (0.0345, 0.0135), dh_2 = (0.3109, -0.1839), dz_2 = (0.2920, -0.1484)."),
    (lambda: plots.backward_walk(LEDGER, 4),
     "Forward pass done: the walk back will start at the last step, with carry = 0: the network of 3 steps has "
     "its states and outputs, and no gradient yet."),
    (lambda: plots.shortened_formulas([2, 3, 4], {"a": np.array([[1, 1], [0.5, 0.7], [0, 0.2]])}),
     "The shortened formulas point elsewhere as soon as T > 2: from T = 2 to 4, the mean cosine of a falls from 1 "
     "to 0.1."),
    (lambda: plots.shortened_formulas([2, 3], {"a": np.zeros((2, 3))}),
     "The shortened formulas point elsewhere at every length: from T = 2 to 3, the mean cosine of a stays at 0."),
    (lambda: plots.pulse_memory(PULSE, STATES, 0 * STATES),
     "With W_hh the pulse echoes for 1 steps; with W_hh = 0 it echoes for 0: unit 0 is 0.5 at the pulse of step 3 "
     "and changes its sign 0 times before it has faded to 0.01."),
    (lambda: plots.state_map(STATES, "Late"),
     "Late: the states of 2 units at steps 0 to 4, all zero up to step 2, then between −0.25 and 0.5."),
    (lambda: plots.before_and_after([0], np.ones(4), np.zeros(4), np.full(4, 0.75), STATES),
     "Before training, 4 steps on its own: off by up to 1.0, and the forecast's last quarter stays at 0. After "
     "training, 4 steps on its own: off by at most 0.25; meanwhile its 2 units swing by 0 to 0."),
    (lambda: plots.by_lag({"a": [1, 2, 1e-9], "b": [1, 0.1]}, "Lost", {"a": np.ones(3), "b": [1, 0.1], "line": [1, 1]}),
     "Lost: with a it is up to 2 at lag 1, then about 1e-9 at lag 2, a mean factor of 3.2e-5 a step; with b it is "
     "0.1 at lag 1, a mean factor of 0.1 a step; for a it should be 1 at lag 2, a mean factor of 1 a step; on the "
     "line line it is 1 at lag 1, a mean factor of 1 a step."),
    (lambda: plots.cliff(np.arange(2.0), np.arange(4.0), SURFACE, "A wall", cut=1),
     "A wall: along w = 1.00 it goes from 3 to 0.5 and is steepest between 3 at b = 1 and 1 at b = 2."),
    (lambda: plots.descents(np.arange(2.0), np.arange(4.0), SURFACE, {"free": (PATH, [3, 1, 1e-7])}, "Thrown"),
     "Thrown: free, the largest step is 5 and the loss ends at less than 0.0001."),
])
def test_what_figures_say(draw, sentence):
    assert draw().sentence == sentence


def test_what_the_figures_of_the_clinic_say():
    angles = {"half way": {"W_xh": (0.5, 2.0), "W_hh": (1.0, 120.0), "b_h": (0.5, 2.0)}}
    exam = Examination("bug", "wave, SGD", RUNS["good"], RUNS["bad"], angles, {})
    fared = "wave, SGD, the right network's loss falls from 1 to 0.01, the patient's diverges in epoch 3"
    looks = "W_xh and b_h 0.50 ×2, W_hh 1.00 ×120"
    wild = History(loss=[1.0] * 11 + [3.0, 1.0])
    assert plots.two_losses({"wild": wild, "tame": History(loss=[1.0] * 11 + [2.0, 1.0])}, "Two").sentence == (
        "Two: the loss of wild jumps, tame stays near 1.")
    assert plots.careers([exam, exam], "Lost").sentence == f"Lost: {fared}; {fared}."
    assert plots.patient(exam, "Ill").sentence == f"Ill: {fared}; cosines to the true gradient half way, {looks}."
    assert plots.symptoms([exam], "Well?").sentence == (
        f"Well? Cosines to the true gradient and, after ×, lengths beside it: wave, {looks}.")
