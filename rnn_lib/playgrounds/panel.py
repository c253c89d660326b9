"""What all slider panels share: controls, picture, summary, ghosts, progress and errors.

A panel file holds two plain functions, which know nothing of widgets, and a function that joins them:

    def run(hidden_size=16, lr=0.01, on_epoch=None):
        ...
        history = fit(model, X, target, Adam(model.params, lr), epochs=200, verbose=False, on_epoch=on_epoch)
        return SineRun(summary="H = 16, learning rate 0.01: final loss 0.0012.", label="H 16, lr 0.01", ...)

    def draw(result, ghosts=()):
        figure, axes = new_figure(1, 2, 9, 3.4, layout="none", gridspec_kw=MARGINS)
        ...
        return say(figure, result.summary + beside(ghosts))

    def sine_panel():
        controls = {"hidden_size": slider("hidden size", 1, 64, 16), "lr": log_slider("learning rate", 1e-4, 1.0, 0.01)}
        return Panel("sine wave", run, draw, controls)

A panel that only computes follows the hand: while a slider is dragged it draws as often as it can, always the newest
value (ipywidgets keeps back what comes meanwhile). It should take 120 ms from hand to page. A panel that trains says
so at once, and answers within 250 ms of the release. About 50 ms of each are the browser's; of drawing is to know:
- Give the figure fixed margins, as above. Matplotlib's constrained layout doubles the time, and lets the axes
  jump when a label grows. Leave room for the longest label and for the labels of the ghosts.
- The size of the figure is the same at every setting, at most 9 inches wide (100 pixels an inch). Where the page is
  narrow, its pieces stand one under the other: `figure.pieces` says where it may be cut (see picture.py).
- Give a title its height, `y=1.0`: Matplotlib measures all ticks to place one that has none.
- A text costs 2 ms where it is new, a formula in $...$ 5 ms; seen before, it costs little (see picture.py).
- A tick costs 1 ms, axes 4 ms: few ticks, and `axis.axis("off")` where there is nothing to read.
- What is the same in every picture is drawn once where a function makes it that is a `stage` (plots/stage.py). That
  halves the time of most pictures.
- One `imshow`, `LineCollection` or `PolyCollection` is faster than a loop over `plot` or `add_patch`.
"""

import gc
import html
import math
import threading
import time
from contextlib import contextmanager
from inspect import signature

import ipywidgets as widgets
import numpy as np

from rnn_lib.ground.validation import check_choice, check_int, check_number, check_text
from rnn_lib.playgrounds.page import falling, helper
from rnn_lib.playgrounds.picture import strike, to_urls
from rnn_lib.plots.style import DRAWING

CONTROL_WIDTH, LETTER_WIDTH, PROGRESS_WIDTH = 440, 8, 260  # pixels
SMALLEST = 0.7  # a piece of a picture is made no smaller than this part of its size; it can be scrolled then
PROGRESS_AFTER, PROGRESS_EVERY = 0.3, 0.1  # seconds


class Panel(widgets.VBox):
    """Sliders, a picture that answers when one is released, and a line of text that says what it shows.

    name      what the panel is called in its repr
    run       run(**settings) -> result, with `result.summary` (one line, at most about 110 letters, different for
              different settings) and, if the panel keeps ghosts, `result.label` (short, for a legend); it is
              deterministic. If it trains, it takes `on_epoch` as well and passes it on to `fit`; it then runs when
              a slider is released, and a run of more than 0.3 s shows its progress and its loss (out of `epochs`,
              where that is a setting or has a default)
    draw      draw(result, ghosts=()) -> Figure; ghosts are earlier results, the newest last
    controls  setting name -> widget, made by `slider`, `log_slider`, `choice` or `text_box`
    ghosts    how many earlier results are kept. 0: draw(result) gets none, and there is no Reset button

    An exception in `run` or `draw` is shown in the panel; the picture stays. `settings` holds what the controls say
    now, `result` the last result, `summary` the text below the controls, and `follows` is True if the panel answers
    while a slider is dragged.
    """

    at_work = "training …"  # what a panel that does not follow says at once

    def __init__(self, name, run, draw, controls, ghosts=3):
        """Run and draw at the first settings of the controls."""
        self.name, self.run, self.draw, self.controls, self.max_ghosts = name, run, draw, controls, ghosts
        signature(run).bind_partial(**self.settings)  # a control without its parameter: TypeError, here and now
        parameters = signature(run).parameters
        self.default_epochs = getattr(parameters.get("epochs"), "default", None)
        self.reports_progress = "on_epoch" in parameters
        self.follows = not self.hooks()
        self.past = []  # (settings, result), the newest last; the last one is what the picture shows
        self.working = threading.Lock()

        label_width = LETTER_WIDTH * max(len(control.description) for control in controls.values())
        for control in controls.values():
            control.style.description_width = f"{label_width}px"
            control.layout.width, control.layout.max_width = f"{CONTROL_WIDTH}px", "100%"
            if hasattr(control, "readout"):  # a slider
                control.continuous_update = self.follows
            control.observe(lambda change: self.update(), names="value")
        self.picture = self.empty_picture()
        self.text = widgets.HTML(layout={"flex": "1 1 300px"})
        self.progress = widgets.HTML(layout={"width": f"{PROGRESS_WIDTH}px", "height": "32px", "flex": "0 0 auto"})
        self.reset_button = widgets.Button(
            description="Reset", tooltip="Forget the earlier runs", disabled=True, layout={"width": "80px"}
        )
        self.reset_button.on_click(lambda button: self.reset())
        status = [self.text] + [self.progress] * (not self.follows) + [self.reset_button] * bool(ghosts)
        wrapped = {"flex_flow": "row wrap", "max_width": "900px"}
        choices = {control.description: [label for label, _ in control.options] for control in controls.values()
                   if isinstance(control, widgets.SelectionSlider)}
        super().__init__([
            widgets.Box([*controls.values()], layout=wrapped),
            widgets.Box(status, layout={**wrapped, "align_items": "center"}),
            self.picture,
            widgets.HTML(helper(choices), layout={"height": "0", "margin": "0"}),
        ])
        self.add_class("rnn-panel")
        self.update()

    @property
    def settings(self):
        """What the controls say now."""
        return {name: control.value for name, control in self.controls.items()}

    @property
    def result(self):
        """The result that the picture shows, or None before the first."""
        return self.past[-1][1] if self.past else None

    @property
    def ghosts(self):
        """The earlier results that the picture shows, the newest last."""
        return [result for _, result in self.past[:-1]]

    def update(self):
        """Run and draw at the present settings; if they change meanwhile, again at the newest ones.

        Whoever is at work already, in another thread or further up in this one, sees to the change.
        """
        settings = None
        while settings != self.settings and self.working.acquire(blocking=False):
            try:
                settings = self.settings
                with garbage_afterwards():
                    self.compute(settings)
            finally:
                self.working.release()

    def compute(self, settings):
        """Run and draw at `settings`, unless the picture shows them already."""
        if self.past and self.past[-1][0] == settings:
            self.say(self.result.summary)  # it may follow a setting that failed
            return
        try:
            if not self.follows:
                self.progress.value = self.at_work
            result = self.run(**settings, **self.hooks())
            # a ghost of itself says nothing
            kept = [old for old in self.past if self.max_ghosts and old[1].label != result.label]
            self.show([*kept, (settings, result)][-1 - self.max_ghosts :])
        except (Exception, KeyboardInterrupt) as error:
            heading = "Not computed" + ", the picture is the one before" * bool(self.past) + "."
            self.say(f"{type(error).__name__}: {error}", heading)
        finally:
            self.progress.value = ""

    def hooks(self):
        """Return what `run` gets besides the settings: functions that it calls while it works."""
        return {"on_epoch": self.progress_bar()} if self.reports_progress else {}

    def empty_picture(self):
        """Return the widget that holds the picture."""
        return widgets.Box(layout={"flex_flow": "row wrap", "max_width": "900px", "overflow": "auto"})

    def paint(self, figure):
        """Put what `draw` returned into the picture, piece by piece."""
        urls = to_urls(figure)
        if not self.picture.children:
            self.picture.children = [
                widgets.Image(format="url", layout={
                    "width": f"{width}px", "max_width": "100%", "min_width": f"{SMALLEST * width:.0f}px", "margin": "0",
                }) for _, width in urls]
        for piece, (url, _) in zip(self.picture.children, urls, strict=True):
            piece.value = url
        strike(figure)

    def rehearse(self, name):
        """Draw the picture at every whole number of a slider, unseen: a new text takes ten times as long."""
        control = self.controls[name]
        with DRAWING:
            for value in range(control.min, control.max + 1):
                figure = self.draw(self.run(**{**self.settings, name: value}))
                to_urls(figure)
                strike(figure)

    def reset(self):
        """Forget the earlier runs."""
        if self.past:
            self.show(self.past[-1:])
            self.update()  # if the last setting failed: say so again

    def show(self, past):
        """Draw the last result in `past` with the ones before it as ghosts; nothing changes if drawing fails."""
        *earlier, result = [result for _, result in past]
        with DRAWING:
            self.paint(self.draw(result, ghosts=earlier) if self.max_ghosts else self.draw(result))
        self.past = past
        self.say(result.summary)
        self.reset_button.disabled = not earlier

    def say(self, summary, heading=""):
        """Write a line of text below the controls, where screen readers announce it."""
        self.summary = f"{heading} {summary}".strip()
        strong = f"<b>{html.escape(heading)}</b> " if heading else ""
        picture = html.escape(self.result.summary if self.past else "")
        self.text.value = f'<div class="rnn-summary" data-picture="{picture}">{strong}{html.escape(summary)}</div>'

    def progress_bar(self):
        """Return an `on_epoch` for `fit` that shows the progress of a run that takes long, and its loss so far."""
        start = time.perf_counter()
        shown = 0.0
        total = self.settings.get("epochs", self.default_epochs)

        def on_epoch(epoch, history):
            nonlocal shown
            now = time.perf_counter()
            if now - start > PROGRESS_AFTER and now - shown > PROGRESS_EVERY:
                shown = now
                fraction = f' max="{total}" value="{epoch + 1}"' if total else ""
                bar = f'<progress aria-label="training"{fraction} style="width:60px"></progress>'
                self.progress.value = f"epoch {epoch + 1} {bar} {falling(getattr(history, 'loss', []))}"

        return on_epoch

    def __repr__(self):
        """One stable line, also for readers without a kernel; ipywidgets would cut it at 110 letters."""
        return f"Panel: {self.name} ({', '.join(control.description for control in self.controls.values())})"


@contextmanager
def garbage_afterwards():
    """Put off collecting garbage: a figure leaves much of it, and in the midst of an answer it would be waited for."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
        gc.collect(1)  # what is younger than the answer, and so the last figure; this takes a few milliseconds


def beside(ghosts):
    """Say which earlier runs a picture shows as well; nothing if there are none."""
    return f" Earlier runs beside it: {'; '.join(ghost.label for ghost in ghosts)}." if ghosts else ""


def slider(description, minimum, maximum, value, step=1):
    """Return a slider for whole numbers, or for numbers with decimals if `step` is not an int."""
    whole = isinstance(step, int)
    for number in (value, minimum, maximum):
        check_int(description, number, -math.inf) if whole else check_number(description, number)
    if not minimum <= value <= maximum:
        raise ValueError(f"{description}: expected a value from {minimum} to {maximum}, got {value}")
    common = {"description": description, "continuous_update": False}
    if whole:
        return widgets.IntSlider(value, minimum, maximum, step, **common)
    decimals = len(f"{step:.10f}".rstrip("0").partition(".")[2])
    return widgets.FloatSlider(value, min=minimum, max=maximum, step=step, readout_format=f".{decimals}f", **common)


def log_slider(description, minimum, maximum, value):
    """Return a slider over 1, 2, 5, 10, 20, 50, ... (and 0.5, 0.2, 0.1, ...) from `minimum` to `maximum`."""
    check_number(description, minimum, above=0)
    exponents = range(int(np.floor(np.log10(minimum))) - 1, int(np.ceil(np.log10(maximum))) + 1)
    grid = [float(f"{digit}e{exponent}") for exponent in exponents for digit in (1, 2, 5)]
    grid = [number for number in grid if minimum <= number <= maximum]
    if value not in grid:
        raise ValueError(f"{description}: expected one of {', '.join(map(plain, grid))}, got {value}")
    return widgets.SelectionSlider(
        options=[(plain(number), number) for number in grid], value=value, description=description,
        continuous_update=False,
    )


def choice(description, options, value):
    """Return a drop-down list of texts."""
    return widgets.Dropdown(options=options, value=check_choice(description, value, options), description=description)


def text_box(description, value):
    """Return a line to type into; Enter, or leaving it, is its release."""
    return widgets.Text(check_text(description, value), description=description, continuous_update=False)


def plain(number):
    """Write a number without an exponent and without trailing zeros: 0.0001, 0.5, 20."""
    return np.format_float_positional(number, trim="-")
