"""Notebook 10's panels: the network that writes, and the units that colour a text."""

import html
import re

import numpy as np
import pytest

from rnn_lib import GRU, data, playgrounds
from rnn_lib.losses import cross_entropy_loss
from rnn_lib.playgrounds import writer
from rnn_lib.plots import coloured_text, looking_back, perplexities
from rnn_lib.plots.characters import COLUMNS


def test_the_shipped_network_forecasts_text_that_it_has_not_read():
    """Perplexity under 5 on the first 2000 held-out letters; its 5-gram rival has 5.1 on all of them."""
    model, vocabulary = playgrounds.load_writer()
    train, test = data.load_course_text()
    letters = vocabulary.encode(train[-100:] + test[:2000])
    Y = model.forward(data.one_hot(letters[:-1, None], len(vocabulary)))
    assert isinstance(model, GRU) and model.dtype == np.float64
    assert np.exp(cross_entropy_loss(Y[99:], letters[100:, None])[0]) < 5


def test_training_the_writer_learns(monkeypatch):
    """A small one, in eight passes over a tenth of the text; before training its perplexity is 91."""
    monkeypatch.setenv("TQDM_DISABLE", "1")
    text, losses = data.load_course_text()[0][:12000], []
    model = writer.train_writer(hidden_size=24, epochs=8, text=text, on_epoch=lambda e, h: losses.append(h.loss[-1]))
    assert model.dtype == np.float32 and model.hidden_size == 24
    assert len(losses) == 8 and np.exp(losses[-1]) < 40 < np.exp(losses[0])


def test_the_writer_says_what_it_wrote():
    looks = []
    written = playgrounds.write("Why", temperature=0.5, length=100, seed=3, on_text=looks.append)
    assert len(written.text) == 100 and written.text.startswith(looks[0])
    assert [len(text) for text in looks] == [25, 50, 75, 100]
    assert written == playgrounds.write("Why", temperature=0.5, length=100, seed=3)
    assert written.text != playgrounds.write("Why", temperature=0.5, length=100, seed=4).text


def test_no_text_changes_the_page():
    nasty = "<script>alert(1)</script>&amp;\"'"
    panel = playgrounds.writer_panel()
    panel.controls["begin"].value = nasty
    page = panel.picture.value
    assert html.escape(nasty) in page and "<script" not in page
    assert re.findall("<(/?[a-z]+)", page) == ["pre", "b", "/b", "span", "/span", "/pre"]
    assert "<script" not in panel.text.value and panel.summary.startswith("'<script>ale…'")


def test_what_the_network_writes_is_escaped_too():
    page = writer.to_html("a", "<b>&")
    assert "&lt;b&gt;&amp;</span>" in page and page.count("<b") == 1


def test_what_cannot_be_read_is_said_and_the_text_stays():
    panel = playgrounds.writer_panel()
    before = panel.picture.value
    for text, words in (("", "text: expected at least one symbol"), ("Ж", "got 'Ж' at 0")):
        panel.controls["begin"].value = text
        assert "Not computed" in panel.summary and words in panel.summary and panel.picture.value == before
    panel.controls["begin"].value = "The gradient"
    assert "Not computed" not in panel.summary


# --- units ----------------------------------------------------------------------------------------------------------


def test_inside_begins_after_the_opening_letter_and_ends_with_the_closing_one():
    marks = playgrounds.inside("a $x$ `b`", playgrounds.FOLLOWED["a formula"])
    assert "".join("01"[int(mark)] for mark in marks) == "001100000"
    assert playgrounds.inside("$$a\nb$$ $c$", playgrounds.FOLLOWED["a formula"]).sum() == 6 + 2


@pytest.mark.parametrize("name, text, expected", [
    ("code", "`a` b `c\nd`", "11000000000"), ("brackets", "f(x) (y\n)", "011000000"),
    ("a line's start", "a\nbcd", "0111" + "0"),
])
def test_what_units_may_follow(name, text, expected):
    marks = playgrounds.inside(text, playgrounds.FOLLOWED[name])
    assert "".join("01"[int(mark)] for mark in marks) == expected[: len(text)]


def test_a_score_is_how_often_a_unit_is_higher_inside():
    rng = np.random.default_rng(0)
    values, marks = rng.normal(size=(30, 4)), rng.random(30) < 0.4
    pairs = values[marks][:, None] > values[~marks][None]  # every one inside against every one outside
    higher = pairs.mean(axis=(0, 1))
    np.testing.assert_allclose(playgrounds.scores(values, [marks, ~marks]), [np.maximum(higher, 1 - higher)] * 2)
    perfect = np.stack([marks, ~marks], axis=1) + 0.01 * rng.random((30, 2))
    assert playgrounds.scores(perfect, [marks]).tolist() == [[1, 1]]


def test_units_are_those_of_one_pass_over_the_text():
    text, units = playgrounds.writer_states("test")
    model, vocabulary = playgrounds.load_writer()
    train, test = data.load_course_text()
    assert text == test and units.shape == (len(test), model.hidden_size)
    model.forward(data.one_hot(vocabulary.encode(train[-200:] + test[:5])[:, None], len(vocabulary)))
    np.testing.assert_allclose(units[:5], model.hidden_states[-5:, 0])
    assert playgrounds.writer_states("train")[0] == train[-len(test):]


def test_a_run_of_units_shows_the_text_it_names():
    run = playgrounds.run_units(unit=3, start=500)
    text, units = playgrounds.writer_states("test")
    n = len(run.text)
    assert n > 1000 and run.text == text[500 : 500 + n] and np.array_equal(run.values, units[500 : 500 + n, 3])


def test_every_letter_of_a_coloured_text_is_written_in_its_colour():
    text, values = "ab\n\n" + "x" * 100 + "$", np.linspace(-1, 1, 105)
    figure = coloured_text(text, values, "A title", "and some more words.")
    axis = figure.axes[0]
    assert [t.get_text() for t in axis.texts] == ["ab↵", "↵", "x" * COLUMNS, "x" * (100 - COLUMNS) + "$"]
    colours = np.asarray(axis.images[0].get_array().filled(np.nan))
    np.testing.assert_allclose(colours[~np.isnan(colours)], values)
    assert np.isnan(colours[0, 3]) and colours[1, 0] == values[3]
    assert figure.sentence == "A title: and some more words."


def test_a_coloured_text_may_have_a_fixed_number_of_rows():
    heights = set()
    for text, written in (("ab", 1), ("a\n" * 9, 5), ("x" * 900, 5)):
        figure = coloured_text(text, np.zeros(len(text)), "A title", "and some more words.", n_rows=5)
        assert figure.axes[0].images[0].get_array().shape == (5, COLUMNS) and len(figure.axes[0].texts) == written
        heights.add(figure.get_figheight())
    assert len(heights) == 1


def test_looking_back_says_how_much_lies_near():
    S = np.tril(np.ones((10, 10)))
    figure = looking_back(S, "0123 56789", "1234\n67890", "A title here")
    axis = figure.axes[0]
    assert [label.get_text() for label in axis.get_xticklabels()] == list("0123␣56789")
    assert [label.get_text() for label in axis.get_yticklabels()][4] == "↵"
    near = np.mean([min(5, t + 1) / (t + 1) for t in range(10)])
    assert f"{100 * near:.0f} per cent" in figure.sentence


def test_a_shorter_curve_of_perplexities_ends_sooner():
    curves = {"long": [20, 10, 8, 7, 6], "short": [30, 12]}
    figure = perplexities(range(1, 6), curves, "A title", "passes", {"rival": 9})
    rival, *curves = figure.axes[0].lines
    assert list(rival.get_ydata()) == [9, 9] and [len(curve.get_xdata()) for curve in curves] == [5, 2]
    assert {text.get_text() for text in figure.axes[0].texts} == {"rival", "long", "short"}
    assert figure.sentence == "A title: long falls from 20 to 6; short falls from 30 to 12; rival stands at 9."


def test_curves_of_perplexities_may_keep_their_colours():
    figure = perplexities([1, 2], {"a": [9, 5], "b": [9, 7]}, "A title", "letters", colours=["#8C510A", "#4D4D4D"])
    assert [line.get_color() for line in figure.axes[0].lines] == ["#8C510A", "#4D4D4D"]
