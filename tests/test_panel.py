"""The machinery of the slider panels, and what every panel of the course must keep to. No browser needed."""

import base64
import gc
import io
import re
import threading
import time
import weakref
from dataclasses import dataclass
from inspect import signature
from types import SimpleNamespace

import ipywidgets as widgets
import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

from rnn_lib import playgrounds
from rnn_lib.playgrounds.page import falling
from rnn_lib.playgrounds.panel import Panel, choice, log_slider, slider
from rnn_lib.playgrounds.picture import MAX_TEXTS, renderer_of_size, strike, to_urls
from rnn_lib.plots.stage import KEPT, stage
from rnn_lib.plots.style import (
    BACKWARD,
    BASELINE,
    DRAWING,
    HIDDEN,
    INPUT,
    OUTPUT,
    SERIES,
    TARGET,
    ink,
    mark_beyond,
    new_axis,
    new_figure,
    side_by_side,
)

PANELS = sorted(name for name in dir(playgrounds) if name.endswith("_panel"))


@dataclass
class Result:
    n: int
    text: str

    @property
    def summary(self):
        return f"n = {self.n}, {self.text}"

    @property
    def label(self):
        return str(self.n)


class Recorder:
    """A panel's run and draw that remember how they were called."""

    def __init__(self):
        self.runs, self.drawn = [], []

    def run(self, n=1, text="a"):
        self.runs.append((n, text))
        if n == 13:
            raise ValueError("13 is <unlucky>")
        return Result(n, text)

    def draw(self, result, ghosts=()):
        if result.n == 14:
            raise RuntimeError("cannot draw 14")
        self.drawn.append((result.n, [ghost.n for ghost in ghosts]))
        figure = Figure(figsize=(2, 1), dpi=100)
        figure.text(0.5, 0.5, f"{result.n} {result.text} {[ghost.n for ghost in ghosts]}")
        return figure


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture
def panel(recorder):
    controls = {"n": slider("whole number", 1, 20, 1), "text": choice("letter", ["a", "b"], "a")}
    return Panel("test", recorder.run, recorder.draw, controls, ghosts=2)


def image_of(url):
    """The image in a data URL."""
    head, data = bytes(url).split(b",")
    assert head == b"data:image/png;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def shown(panel):
    """What a panel shows: the data URL of each piece of its picture."""
    return [piece.value for piece in panel.picture.children]


def texts(panel):
    """Everything the panel writes outside its picture."""
    return panel.text.value + panel.progress.value


def test_first_picture_is_there_at_once(panel, recorder):
    assert recorder.runs == [(1, "a")] and recorder.drawn == [(1, [])]
    assert size_of(panel) == [(200, 100)]
    assert panel.picture.children[0].layout.width == "200px"
    assert panel.summary == "n = 1, a" and panel.summary in panel.text.value


def test_one_run_and_one_drawing_per_release(panel, recorder):
    before = shown(panel)
    panel.controls["n"].value = 5
    assert recorder.runs == [(1, "a"), (5, "a")] and len(recorder.drawn) == 2
    assert shown(panel) != before
    assert panel.summary == "n = 5, a" and panel.settings == {"n": 5, "text": "a"}


def test_shown_settings_are_not_computed_again(panel, recorder):
    panel.update()
    panel.controls["n"].value = 1
    assert len(recorder.runs) == 1


def test_setting_that_changes_during_a_run_is_the_one_shown():
    asked = []

    def run(n=1):
        asked.append(n)
        if n == 2:
            panel.controls["n"].value = 7  # as if a newer setting came in while this one is computed
        return Result(n, "x")

    panel = Panel("test", run, Recorder().draw, {"n": slider("n", 1, 9, 1)})
    panel.controls["n"].value = 2
    assert asked == [1, 2, 7]
    assert panel.result.n == 7 and panel.summary == "n = 7, x"


def test_ghosts_are_the_last_runs_and_reset_forgets_them(panel, recorder):
    assert panel.reset_button.disabled
    for n in (2, 3, 4):
        panel.controls["n"].value = n
    assert recorder.drawn[-1] == (4, [2, 3])
    assert not panel.reset_button.disabled
    panel.reset_button.click()
    assert recorder.drawn[-1] == (4, []) and panel.reset_button.disabled
    assert recorder.runs == [(1, "a"), (2, "a"), (3, "a"), (4, "a")]


def test_a_run_is_no_ghost_of_itself(panel, recorder):
    panel.controls["n"].value = 2
    panel.controls["n"].value = 1
    assert recorder.drawn[-1] == (1, [2])


def test_a_run_that_looks_the_same_is_no_ghost_either(recorder):
    controls = {"n": slider("n", 1, 9, 1), "text": choice("text", ["a", "b"], "a")}
    panel = Panel("test", recorder.run, recorder.draw, controls)
    panel.controls["text"].value = "b"  # the label says n alone
    assert recorder.drawn[-1] == (1, [])


def test_a_control_that_run_does_not_know_is_refused(recorder):
    with pytest.raises(TypeError, match="unexpected keyword argument 'm'"):
        Panel("test", recorder.run, recorder.draw, {"m": slider("m", 1, 9, 1)})


def test_panel_without_ghosts(recorder):
    panel = Panel("test", recorder.run, recorder.draw, {"n": slider("n", 1, 9, 1)}, ghosts=0)
    panel.controls["n"].value = 2
    assert recorder.drawn == [(1, []), (2, [])]
    assert panel.reset_button not in panel.children[1].children


@pytest.mark.parametrize(
    ("bad", "message"), [(13, "ValueError: 13 is <unlucky>"), (14, "RuntimeError: cannot draw 14")]
)
def test_error_is_shown_the_picture_stays_and_the_next_setting_works(panel, recorder, bad, message):
    panel.controls["n"].value = 2
    before = shown(panel)
    panel.controls["n"].value = bad
    assert message in panel.summary and "<unlucky>" not in panel.text.value
    assert shown(panel) == before and panel.result.n == 2
    panel.controls["n"].value = 3
    assert panel.summary == "n = 3, a" and recorder.drawn[-1] == (3, [1, 2])
    panel.controls["n"].value = bad
    panel.controls["n"].value = 3
    assert panel.summary == "n = 3, a"


def test_error_at_the_first_settings_leaves_a_panel_that_still_works(recorder):
    panel = Panel("test", recorder.run, recorder.draw, {"n": slider("n", 1, 20, 13)})
    assert panel.summary == "Not computed. ValueError: 13 is <unlucky>"
    panel.reset_button.click()
    panel.controls["n"].value = 2
    assert panel.summary == "n = 2, a" and size_of(panel) == [(200, 100)]


def test_reset_after_an_error_still_says_that_the_picture_is_another_settings(panel):
    panel.controls["n"].value = 2
    panel.controls["n"].value = 13
    panel.reset_button.click()
    assert panel.summary.startswith("Not computed, the picture is the one before.") and not panel.ghosts


def test_an_interrupt_is_shown_like_an_error(recorder):
    def run(n=1, text="a"):
        if n == 4:
            raise KeyboardInterrupt
        return recorder.run(n, text)

    panel = Panel("test", run, recorder.draw, {"n": slider("n", 1, 9, 1)})
    panel.controls["n"].value = 4
    assert "Not computed" in panel.summary and "KeyboardInterrupt" in panel.summary
    panel.controls["n"].value = 5
    assert panel.summary == "n = 5, a"


@pytest.mark.parametrize(("seconds", "shows"), [(0.02, False), (0.6, True)])
def test_only_a_long_run_shows_progress(monkeypatch, seconds, shows):
    clock, seen = [0.0], []
    monkeypatch.setattr("time.perf_counter", lambda: clock[0])

    def run(n=1, epochs=10, on_epoch=None):
        for epoch in range(epochs):
            clock[0] += seconds / epochs
            assert on_epoch(epoch, None) is None  # anything else would stop the training
            seen.append(panel.progress.value if n == 2 else "")
        return Result(n, "x")

    panel = Panel("test", run, Recorder().draw, {"n": slider("n", 1, 3, 1)})
    panel.controls["n"].value = 2
    assert any('max="10"' in text and "epoch 9" in text for text in seen) == shows
    assert panel.progress.value == ""


def test_a_panel_that_trains_says_so_at_once_and_answers_on_release():
    seen = []

    def run(n=1, on_epoch=None):
        seen.append(panel.progress.value if n > 1 else "")
        return Result(n, "x")

    panel = Panel("test", run, Recorder().draw, {"n": slider("n", 1, 3, 1)})
    panel.controls["n"].value = 2
    assert seen == ["", "training …"] and panel.progress.value == ""
    assert not panel.follows and not panel.controls["n"].continuous_update


def test_a_panel_that_trains_nothing_follows_the_hand(panel):
    assert panel.follows and panel.controls["n"].continuous_update
    assert panel.progress not in panel.children[1].children


def test_garbage_is_collected_after_an_answer_and_not_in_its_midst(recorder):
    enabled = []

    def run(n=1):
        enabled.append(gc.isenabled())
        return recorder.run(n)

    panel = Panel("test", run, recorder.draw, {"n": slider("n", 1, 20, 1)})
    panel.controls["n"].value = 13  # fails
    assert enabled == [False, False] and gc.isenabled()


@pytest.mark.parametrize("pieces", [side_by_side(0.4), side_by_side(0.3, 0.55), [(0, 0.5, 0.3, 1), (0.3, 0.5, 1, 1),
                                                                               (0, 0, 1, 0.5)]])
def test_the_pieces_of_a_picture_are_the_whole(pieces):
    def draw():
        return figure_with((20, 30, "lower left"), (160, 200, "upper right"))

    whole, cut = draw(), draw()
    cut.pieces = pieces
    expected, put_together = picture_of(whole), np.zeros((250, 300, 3), int)
    for (left, _, right, top), (url, width) in zip(pieces, to_urls(cut), strict=True):
        piece = np.asarray(image_of(url).convert("RGB"))
        assert width == piece.shape[1] == round(300 * right) - round(300 * left)
        y, x = round(250 * (1 - top)), round(300 * left)
        put_together[y : y + piece.shape[0], x : x + width] = piece
    np.testing.assert_array_equal(put_together, expected)


def test_the_loss_so_far_is_drawn_small():
    points = re.search('points="([^"]*)"', falling([1.0, 0.1, 0.01]))[1].split()
    assert points == ["2,2", "50,14", "98,26"]
    assert len(re.search('points="([^"]*)"', falling(list(range(1000))))[1].split()) <= 60
    assert "polyline" in falling([]) and "nan" not in falling([0.0, 1e-9])


def test_colours_of_texts_can_be_read():
    for colour in (INPUT, HIDDEN, OUTPUT, BACKWARD, BASELINE, *SERIES):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in mpl.colors.to_rgb(ink(colour))]
        assert 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05) >= 4.5
    assert ink(TARGET) == TARGET


def test_a_curve_that_leaves_its_axis_is_marked():
    figure, axis = new_figure()
    axis.set_ylim(0.1, 10)
    mark_beyond(axis, [1, 5, np.inf, np.nan])
    assert not axis.texts
    mark_beyond(axis, [0.001, 123])
    assert [text.get_text() for text in axis.texts] == ["▲ up to 123", "▼ down to 0.001"]


def pixels_of(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def picture_of(figure):
    ((url, _),) = to_urls(figure)
    return np.asarray(image_of(url).convert("RGB")).astype(int)


def figure_with(*texts, **style):
    figure = Figure(figsize=(3, 2.5), dpi=100)
    for x, y, text in texts:  # pixels from the lower left corner: where a text starts is rounded to these
        figure.text(x / 300, y / 250, text, **style)
    return figure


@pytest.mark.parametrize(
    ("text", "style"),
    [
        ("plain text, gjpq", {}), ("in $x_{t+1}^2$ letters", {}), (" ", {}),
        ("upright", {"rotation": 90, "rotation_mode": "anchor"}),
        ("pale", {"color": "#D55E00", "alpha": 0.4}), ("0.5 -1.25", {"family": "monospace", "weight": "bold"}),
        ("too long for the canvas, so that a part of it is cut off at its end", {}), ("high", {"fontsize": 190}),
    ],
)
def test_picture_has_the_pixels_that_savefig_writes(text, style):
    saved = io.BytesIO()
    places = [(200, 60, text), (20, 30, text), (90, 100, "another")]
    figure_with(*places, **style).savefig(saved, format="png")
    for _ in range(2):  # the second time from memory
        difference = np.abs(picture_of(figure_with(*places, **style)) - pixels_of(saved.getvalue()))
        assert difference.max() <= 1  # an edge of half a tone is rounded twice


def test_picture_forgets_texts_without_harm():
    before = picture_of(figure_with((20, 30, "kept")))
    picture_of(figure_with(*((20, 30, f"text {i}") for i in range(MAX_TEXTS + 10))))
    assert len(renderer_of_size(300, 250, 100.0).texts) <= MAX_TEXTS
    assert (picture_of(figure_with((20, 30, "kept"))) == before).all()


def test_repr_is_one_stable_line(panel):
    assert repr(panel) == "Panel: test (whole number, letter)"
    panel.controls["n"].value = 2
    assert repr(panel) == "Panel: test (whole number, letter)"
    assert panel._repr_mimebundle_()["text/plain"] == repr(panel)


def test_panels_do_not_share_state(recorder):
    first, second = (Panel("test", recorder.run, recorder.draw, {"n": slider("n", 1, 9, 1)}) for _ in range(2))
    first.controls["n"].value = 5
    assert second.result.n == 1 and second.ghosts == []


def test_log_slider_steps_through_one_two_five():
    control = log_slider("learning rate", 1e-4, 1.0, 0.01)
    labels = [label for label, _ in control.options]
    values = [value for _, value in control.options]
    assert labels == "0.0001 0.0002 0.0005 0.001 0.002 0.005 0.01 0.02 0.05 0.1 0.2 0.5 1".split()
    assert values == [float(label) for label in labels]
    assert control.value == 0.01 and not control.continuous_update
    with pytest.raises(ValueError, match="learning rate: expected one of .*, got 0.03"):
        log_slider("learning rate", 1e-4, 1.0, 0.03)


@pytest.mark.parametrize(("make", "arguments", "words"), [
    (slider, (1, 64, 100), "size: expected a value from 1 to 64, got 100"),
    (slider, (0.5, 2, 0.2, 0.1), "size: expected a value from 0.5 to 2, got 0.2"),
    (slider, (0.5, 64, 1), "size: expected a whole number, got float 0.5"),
    (log_slider, (0, 2, 1), "size: expected a finite number above 0, got 0"),
])
def test_sliders_refuse_what_they_cannot_show(make, arguments, words):
    with pytest.raises((ValueError, TypeError), match=words):
        make("size", *arguments)


def test_sliders_answer_on_release_and_show_their_decimals():
    assert not slider("n", 1, 9, 1).continuous_update and isinstance(slider("n", 1, 9, 1).value, int)
    fine = slider("scale", 0.0, 2.0, 1.0, step=0.05)
    assert not fine.continuous_update and fine.readout_format == ".2f" and fine.step == 0.05


# ------------------------------------------------------------------------- what is the same in every picture: stages


@stage
def scenery(title="same"):
    figure, axis = new_figure(width=3, height=2, layout="none")
    axis.set(xlim=(0, 2), ylim=(0, 2), xticks=[0, 1, 2], yticks=[])
    axis.grid(False)  # it would stand under the image that is drawn later
    axis.set_title(title, y=1.0, loc="right")
    return figure, axis


def drawn_on(scene, colour):
    """Draw all sorts of things on a stage."""
    figure, axis = scene
    axis.plot([0, 2], [0, 2], color=colour, label="line", linewidth=9)
    axis.legend()
    axis.imshow([[0, 1]], extent=(0, 1, 0, 1), aspect="auto")
    axis.set_title(f"{colour} is new", y=1.0)
    figure.text(0.5, 0.9, colour)
    new_axis(figure, (0.6, 0.2, 0.3, 0.3)).plot([1, 2], color=colour)
    return figure


def test_a_stage_is_used_again_when_its_picture_is_in_the_page():
    expected = picture_of(drawn_on(scenery.__wrapped__(), "red"))
    first = drawn_on(scenery(), "blue")
    assert drawn_on(scenery(), "red") is not first, "nobody gave it back"
    for colour in ("green", "red"):
        to_urls(first)
        strike(first)
        again = drawn_on(scenery(), colour)
        assert again is first
    assert (picture_of(again) == expected).all()
    axis, inset = again.axes
    assert len(axis.lines) == len(axis.images) == len(again.texts) == 1 and len(inset.lines) == 1
    assert all(artist.get_visible() for artist in again.stage.still), "whoever shows it otherwise sees all of it"


def test_a_stage_with_other_arguments_is_another_one():
    first = drawn_on(scenery("one"), "blue")
    strike(first)
    assert scenery("two")[0] is not first and scenery("one")[0] is first


def test_few_stages_are_kept():
    first = drawn_on(scenery("first"), "blue")
    strike(first)
    for number in range(KEPT):
        strike(scenery(number)[0])
    assert scenery("first")[0] is not first


def test_a_figure_that_nobody_gives_back_is_freed():
    figures = [weakref.ref(drawn_on(scenery(), "red")) for _ in range(3)]
    gc.collect()
    assert [figure() for figure in figures] == [None] * 3


def test_a_figure_without_a_stage_stays_as_it_is():
    figure = figure_with((20, 30, "kept"))
    strike(figure)
    assert len(figure.texts) == 1


def test_a_panel_gives_its_stage_back_and_not_after_an_error():
    figures = []

    def draw(result):
        figures.append(drawn_on(scenery("panel"), "red"))
        if result.n == 2:
            raise RuntimeError("half drawn")
        return figures[-1]

    panel = Panel("test", Recorder().run, draw, {"n": slider("n", 1, 9, 1)}, ghosts=0)
    for n in (2, 3, 4):
        panel.controls["n"].value = n
    assert figures[0] is figures[1] and figures[2] is not figures[1] and figures[3] is figures[2]


def test_after_a_rehearsal_no_text_is_new():
    panel = playgrounds.backward_walk_panel()
    renderer = renderer_of_size(*size_of(panel)[0], 100.0)
    texts = set(renderer.texts)
    for steps in (4, 0, 3, 2):
        panel.controls["steps_back"].value = steps
    assert texts and set(renderer.texts) == texts


# ------------------------------------------------------------------------------------- the panels of the course


def cut_off(figure):
    """The texts of a drawn figure that are not wholly inside it."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    width, height = figure.get_size_inches() * figure.dpi
    inside = Bbox([[-1, -1], [width + 1, height + 1]])
    hidden = [label for axes in figure.axes for axis in (axes.xaxis, axes.yaxis) for tick in axis.get_major_ticks()
              if not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
              for label in (tick.label1, tick.label2)]
    shown = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    shown = [text for text in shown if text not in hidden]
    boxes = {text.get_text(): text.get_window_extent(renderer) for text in shown}
    return [words for words, box in boxes.items() if not (inside.contains(*box.min) and inside.contains(*box.max))]


def test_a_text_that_is_cut_off_is_seen():
    figure = figure_with((20, 30, "inside"), (200, 100, "too far to the right"))
    to_urls(figure)
    assert cut_off(figure) == ["too far to the right"]


@pytest.fixture(scope="module", params=PANELS)
def course_panel(request):
    return getattr(playgrounds, request.param)()


def ends_of(control):
    """The first and the last value that a control offers; for a line of text, two texts."""
    if isinstance(control, widgets.Text):
        return "x", "<b>&nbsp;$x$"
    options = getattr(control, "options", None)
    if options is None:
        return control.min, control.max
    return [option[1] if isinstance(option, tuple) else option for option in (options[0], options[-1])]


def size_of(panel):
    """How large the picture is: the pixels of its pieces, or how a text's place is styled."""
    if isinstance(panel.picture, widgets.HTML):
        return re.findall("height:.*?px", panel.picture.value)
    return [image_of(url).size for url in shown(panel)]



def check_drawn_as_if_alone(panel, draw):
    """The picture, on a stage that others have left, has the pixels of one for which all was made anew."""
    given = {"ghosts": panel.ghosts} if panel.max_ghosts else {}
    with_the_spare_stage, anew = draw(panel.result, **given), draw(panel.result, **given)
    assert anew is not with_the_spare_stage
    for (alone, _), shown_url in zip(to_urls(anew), shown(panel), strict=True):
        np.testing.assert_array_equal(image_of(alone), image_of(shown_url))


@pytest.fixture
def fresh_panel(course_panel):
    """The panel as it opens, whatever order the tests run in: its first settings, no earlier runs, its own `run`."""
    first, result, run, draw = course_panel.settings, course_panel.result, course_panel.run, course_panel.draw
    yield course_panel
    course_panel.run, course_panel.draw = lambda **_: result, draw
    for name, control in course_panel.controls.items():
        control.value = first[name]
    course_panel.reset()
    course_panel.run = run


def test_first_settings_of_a_panel_are_the_defaults_of_its_run(fresh_panel):
    """So that the cell before the panel, which calls `run` without arguments, draws what the panel opens with."""
    parameters = signature(fresh_panel.run).parameters
    defaults = {name: parameters[name].default for name in fresh_panel.settings}
    assert fresh_panel.settings == defaults


def test_panel_of_the_course_at_both_ends_of_every_control(fresh_panel):
    """Every setting gives a picture of the same size and a summary of its own that fits one line."""
    panel, draw, drawn = fresh_panel, fresh_panel.draw, []
    assert panel.result is not None, panel.summary
    size = size_of(panel)
    assert size and (size[0] == "height:260px" or max(width for width, _ in size) <= 900)
    assert len(repr(panel)) <= 110 and not re.search("0x|\n", repr(panel))

    def watched(*given, **more):
        figure = draw(*given, **more)
        if not isinstance(figure, str):  # the writer draws a text
            to_urls(figure)
            drawn.append((figure.sentence, cut_off(figure)))
        return figure

    panel.draw = watched
    run, first, opened, (*_, last) = panel.run, panel.settings, panel.result, panel.controls.values()
    # the first settings are run again once, at the end, and not after each control
    panel.run = lambda **given: opened if control is not last and first.items() <= given.items() else run(**given)
    for control in panel.controls.values():
        start, summary = control.value, panel.summary
        for end in ends_of(control):
            control.value = end
            assert "Not computed" not in panel.summary
            assert "\n" not in panel.summary and len(panel.summary) <= 130
            assert size_of(panel) == size
            assert (panel.summary != summary) == (end != start), f"{control.description} = {end}: {panel.summary}"
            assert texts(panel)
            if end != start and drawn:
                sentence, cut = drawn.pop()
                assert sentence and cut == []
                check_drawn_as_if_alone(panel, draw)
        control.value = start
        assert panel.summary == summary, "the same settings give the same summary"


def test_release_of_a_short_run_calls_run_once(fresh_panel):
    calls, result = [], fresh_panel.result
    fresh_panel.run = lambda **settings: calls.append(1) or result
    control = next(iter(fresh_panel.controls.values()))
    control.value = ends_of(control)[1]
    assert calls == [1]


# --- callbacks in a second thread, as ipykernel 7.1 and JupyterLab's subshells make them ----------------------------

def test_a_panel_driven_while_a_cell_draws_leaves_the_settings_as_they_were():
    before = dict(mpl.rcParams)
    panel, failures, stop = playgrounds.unroll_panel(), [], threading.Event()

    def drive():
        try:
            for step in 4 * [0, 3, 6, 1]:
                panel.controls["step"].value = step
        except BaseException as error:
            failures.append(error)
        finally:
            stop.set()

    thread = threading.Thread(target=drive)
    thread.start()
    while not stop.is_set():
        figure, axis = new_figure()  # what a cell does
        axis.plot([1, 2])
        time.sleep(0.002)  # or the other thread hardly ever gets its turn to draw
    thread.join()
    assert not failures and dict(mpl.rcParams) == before
    assert panel.result.step == 1 and "Step 1 of" in panel.text.value


def test_pyplot_is_never_used_by_two_threads(monkeypatch):
    """It loses count of its figures: `plt.close` walks through a list that the other thread makes longer."""
    free = []

    def watched(use):
        def used(*given, **more):
            other = threading.Thread(target=lambda: free.append(DRAWING.acquire(blocking=False)))
            other.start()
            other.join()
            return use(*given, **more)
        return used

    for name in ("subplots", "close"):
        monkeypatch.setattr(plt, name, watched(getattr(plt, name)))
    new_figure()
    assert free == [False, False]


def test_a_change_that_comes_while_another_thread_works_is_not_lost():
    entered, go_on = threading.Event(), threading.Event()

    def run(n=1):
        entered.set()
        assert n == 1 or n == 3 or go_on.wait(10)
        return SimpleNamespace(summary=f"n is {n}", label=str(n))

    panel = Panel("slow", run, lambda result, ghosts=(): new_figure()[0], {"n": slider("n", 1, 3, 1)})
    entered.clear()
    thread = threading.Thread(target=lambda: setattr(panel.controls["n"], "value", 2))
    thread.start()
    assert entered.wait(10)
    panel.controls["n"].value = 3  # returns at once: the other thread is at work
    go_on.set()
    thread.join(10)
    assert panel.summary == "n is 3" and panel.result.label == "3"
