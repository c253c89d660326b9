"""A network that was trained on the prose of this course, and a panel in which it writes on (notebook 10)."""

import html
import re
import time
from dataclasses import dataclass
from functools import cache
from importlib import resources

import ipywidgets as widgets
import numpy as np

from rnn_lib import GRU, data
from rnn_lib.generate import sample
from rnn_lib.ground.seeds import generator
from rnn_lib.losses import cross_entropy_loss
from rnn_lib.optim import Adam
from rnn_lib.playgrounds.panel import Panel, slider, text_box
from rnn_lib.plots.style import INPUT, OUTPUT, ink
from rnn_lib.training import in_windows, train

__all__ = ["WriterPanel", "load_writer", "share_of_words", "train_writer", "write", "writer_panel"]

FILE = "course_writer.npz"
EVERY = 25  # letters between two looks at what there is
SHOWN_EVERY = 0.03  # seconds between two pictures of it: more would keep the page busy


@cache
def load_writer():
    """Load the network that writes like this course (datasets/README.md). Returns (model, vocabulary).

    Its numbers are stored in float32 and computed with in float64: what it writes is the same on every machine.
    """
    with resources.as_file(resources.files("rnn_lib.datasets").joinpath(FILE)) as path:
        stored = GRU.load(path)
    model = GRU(stored.input_size, stored.hidden_size, stored.output_size).set_params(stored.params)
    return model, data.Vocabulary(data.load_course_text()[0])


class DecayingAdam(Adam):
    """Adam that also makes every weight a little smaller at each step (Loshchilov and Hutter 2019)."""

    def step(self, grads):
        """As Adam's."""
        for p in self.params.values():
            p *= 1 - 0.3 * self.lr
        super().step(grads)


def train_writer(hidden_size=208, epochs=30, seed=0, text=None, on_epoch=None):
    """Train the network that `load_writer` loads, and return it, in float32. It takes about a minute and a half.

    Three things keep it from learning the text by heart: weights decay, a tenth of the letters are hidden from it (it
    must forecast them all the same), and each epoch cuts the text into windows at other places.
    `text` is the training text of the course by default, `on_epoch` is passed on to `train`.
    """
    train_text = data.load_course_text()[0]
    vocabulary, window = data.Vocabulary(train_text), 50
    numbers = vocabulary.encode(text or train_text)
    K = len(vocabulary)
    model = GRU(K, hidden_size, K, seed=seed, dtype=np.float32)

    def batches(epoch):
        rng = generator(seed, "writer", epoch)
        some = numbers[rng.integers(window):]
        X, target = data.streams(data.one_hot(some[:-1], K).astype(np.float32), 32), data.streams(some[1:], 32)
        X *= rng.random((*X.shape[:2], 1)) > 0.1
        return in_windows(model, X, target, window)

    train(model, batches, DecayingAdam(model.params), loss_fn=cross_entropy_loss, epochs=epochs, clip_norm=1.0,
          schedule=lambda epoch: 0.002 * (1 + np.cos(np.pi * epoch / epochs)), on_epoch=on_epoch)
    return model


@dataclass
class Written:
    """What the writer was given, what it wrote, and a line that says how."""

    begin: str
    text: str
    summary: str


def write(begin="The gradient", temperature=0.5, length=300, seed=0, on_text=lambda text: None):
    """Let the writer read `begin` and write `length` letters; `on_text` sees what there is, every few letters.

    Raises ValueError if `begin` is empty or has a symbol that is not in the course's vocabulary.
    """
    model, vocabulary = load_writer()
    letters = []

    def on_step(symbols):
        letters.append(vocabulary.symbols[symbols[0]])
        if len(letters) % EVERY == 0:
            on_text("".join(letters))

    read = np.concatenate([vocabulary.encode("\n\n"), vocabulary.encode(begin)])  # as at the start of a paragraph
    sample(model, read[:, None], length, temperature, seed=seed, on_step=on_step)
    text = "".join(letters)
    start = begin if len(begin) <= 12 else begin[:11] + "…"
    summary = (f"{start!r}, temperature {temperature:.1f}, {length} letters, seed {seed}: "
               f"{100 * share_of_words(text):.0f} % of its words are words of the course.")
    return Written(begin, text, summary)


@cache
def course_words():
    """Return the words of the training text in lower case."""
    return frozenset(re.findall("[a-z]+", data.load_course_text()[0].lower()))


def share_of_words(text):
    """Return the share of a text's words, those of four letters or more, that occur in the training text."""
    words = re.findall("[a-z]{4,}", text.lower())[1:-1]  # the first and the last may be cut off
    return float(np.mean([word in course_words() for word in words])) if words else 0.0


def to_html(begin, text):
    """Return what was read, in blue, and what was written, in green. Both are escaped: no text can change the page."""
    style = ("height:260px;overflow:auto;white-space:pre-wrap;word-break:normal;line-height:1.4;padding:8px;"
             "border:1px solid #CCC;background:white")
    return (f'<pre style="{style}"><b style="color:{INPUT}">{html.escape(begin)}</b>'
            f'<span style="color:{ink(OUTPUT)}">{html.escape(text)}</span></pre>')


class WriterPanel(Panel):
    """A panel whose picture is a text that grows while it is written."""

    at_work = "writing …"

    def hooks(self):
        """As Panel's: what is there so far is shown."""
        begin, shown = self.settings["begin"], time.perf_counter()

        def on_text(text):
            nonlocal shown
            if time.perf_counter() - shown > SHOWN_EVERY:
                self.paint(to_html(begin, text))
                shown = time.perf_counter()

        return {"on_text": on_text}

    def empty_picture(self):
        """As Panel's: a text instead of an image."""
        return widgets.HTML(layout={"max_width": "900px"})

    def paint(self, text):
        """As Panel's, for a text."""
        self.picture.value = text


def writer_panel():
    """Type how a text begins, and watch the network write on."""
    controls = {
        "begin": text_box("begin with", "The gradient"),
        "temperature": slider("temperature", 0.0, 2.0, 0.5, step=0.1),
        "length": slider("length", 100, 1000, 300, step=100),
        "seed": slider("seed", 0, 20, 0),
    }
    return WriterPanel("a network that writes", write, lambda run: to_html(run.begin, run.text), controls, ghosts=0)
