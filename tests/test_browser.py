"""The notebooks in a real browser: Run All in JupyterLab, and every slider of every panel moved by keyboard.

Set SHOTS to a folder to keep a picture of each panel at both ends of its sliders.
"""

import json
import os
import socket
import statistics
from pathlib import Path

import lab
import nbformat
import pytest
from lab import CHROMIUM_FLAGS, REPOSITORY, Page, Server, find_chromium, time_limit

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(find_chromium() is None, reason="no Chromium: on Debian, apt-get install chromium"),
]

NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
SHOTS = os.environ.get("SHOTS")
# The panels are built for a median of 250 ms on two idle cores. A shared machine may be several times slower, so the
# test only refuses what would feel broken there; the table at the end of the run has the numbers.
MEDIAN_LIMIT = 1000  # ms
TEST_LIMIT = 420  # s, then the browser hangs: the longest test takes about a minute on an idle machine
MEMORY_LIMIT = 10  # MB over 200 moves
PANEL_STATE = """
import gc, json
from rnn_lib.playgrounds.panel import Panel
panels = [thing for thing in gc.get_objects() if issubclass(type(thing), Panel)]  # isinstance fails on dead weakrefs
print(json.dumps([[panel.summary, panel.run(**panel.settings).summary] for panel in panels]))
"""
MEMORY = """
import gc, psutil
gc.collect()
print(psutil.Process().memory_info().rss / 1e6)
"""


@pytest.fixture(scope="module")
def server():
    """JupyterLab, where the port it should take is taken, and a proxy is set that does not answer: neither matters."""
    with socket.socket() as taken, pytest.MonkeyPatch.context() as patch:
        taken.bind(("127.0.0.1", 0))
        ports = iter([taken.getsockname()[1]])
        patch.setattr(lab, "free_port", lambda free_port=lab.free_port: next(ports, None) or free_port())
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            patch.setenv(name, "http://127.0.0.1:9")
        with Server() as server:
            assert next(ports, None) is None, "the taken port was tried"
            yield server


@pytest.fixture(scope="module")
def driver():
    with playwright.sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="module")
def browsers():
    """The browser that is open, in a list; one that was ended because it hung is replaced."""
    browsers = []
    yield browsers
    for browser in browsers:
        browser.close()


@pytest.fixture
def browser(driver, browsers, server):
    if not (browsers and browsers[-1].is_connected()):
        browsers[:] = [driver.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)]
    with time_limit(TEST_LIMIT):
        yield browsers[-1]


@pytest.fixture
def page(browser, server):
    """A page in which nothing may go wrong: no error in page or kernel, no request to another host."""
    page = Page(browser, server)
    yield page
    server.stop_kernels()
    kernel_errors = page.js("lab.errors")
    page.page.close()
    assert not kernel_errors and not page.errors
    assert not page.elsewhere


def test_a_page_that_hangs_is_ended(browser):
    page = browser.new_page()
    with time_limit(1), pytest.raises(playwright.Error, match="closed"):
        page.evaluate("() => { while (true); }")


def sound(answer):
    """True if a panel answered, its picture was there all the time, and it kept its height."""
    return answer["changes"] > 0 and not answer["lost"] and not answer["jumps"]


def check_not_stale(page, cells):
    """Each panel shows what its settings give, computed afresh."""
    state = json.loads(page.execute(PANEL_STATE))
    assert len(state) == len(cells)
    for summary, fresh in state:
        assert summary == fresh
    assert sorted(page.js("i => lab.text(i)", cell) for cell in cells) == sorted(summary for summary, _ in state)


def tab_to(page, element):
    """Press the tabulator until `element` has the focus; a slider and its number are two stops."""
    for _ in range(2):
        page.page.keyboard.press("Tab")
        if page.js(f"document.activeElement === {element}"):
            return
    raise AssertionError(f"the tabulator does not lead to {element}")


def keep_shot(page, cell, name):
    if SHOTS:
        Path(SHOTS).mkdir(parents=True, exist_ok=True)
        panel = page.page.evaluate_handle("i => lab.panel(i)", cell).as_element()
        panel.screenshot(path=str(Path(SHOTS) / f"{name.replace(' ', '_')}.png"))


def stands_at(value, wanted):
    """True if a slider stands at `wanted`: a sum of steps such as 0.05 is rounded."""
    return abs(value["now"] - wanted) < value["step"] / 100


def move_every_slider(page, cell, name=""):
    """Move each slider and list of a panel to both ends and back to where it was; return the times in ms."""
    page.js("i => lab.show(i)", cell)
    controls = page.js("i => lab.controls(i)", cell)
    assert not [control["name"] for control in controls if control["cut"]], "a control is cut off"
    keep_shot(page, cell, f"{name} {cell} as opened")
    times = []

    def see(k, answer, wanted, timed=True):
        assert sound(answer) and stands_at(page.value(cell, k), wanted), (controls[k]["name"], answer)
        if timed:
            times.append(answer["milliseconds"])

    for k, control in enumerate(controls):
        start = page.value(cell, k)
        for key, end in (("End", "max"), ("Home", "min")):
            if not stands_at(page.value(cell, k), start[end]):
                see(k, page.press(cell, k, key), start[end])
            keep_shot(page, cell, f"{name} {cell} {control['name']} {key}")
        steps = round((start["now"] - start["min"]) / start["step"])
        if start.get("list"):
            if steps:
                see(k, page.choose(cell, k, start["now"]), start["now"])
            continue
        if steps:
            see(k, page.press(cell, k, "ArrowRight"), start["min"] + start["step"])
        if steps > 1:
            see(k, page.press(cell, k, "ArrowRight", steps - 1), start["now"], timed=steps == 2)
    return [round(time) for time in times]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_run_all_and_move_every_slider(page, notebook, record_property):
    page.open(f"notebooks/{notebook.name}")
    page.run_all()
    assert page.js("lab.unrun()") == 0
    cells = page.js("lab.panels()")
    for cell in cells:
        times = move_every_slider(page, cell, notebook.stem)
        record_property("release to picture, ms", [f"{notebook.stem}, cell {cell}", times])
        assert statistics.median(times) < MEDIAN_LIMIT
    if cells:
        check_not_stale(page, cells)


def open_panel(page, code):
    """Open a notebook whose only cell makes a panel, and show it."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)], metadata=kernel)
    nbformat.write(notebook, page.server.copy / "panel.ipynb")
    page.open("panel.ipynb")
    page.run_all()
    page.js("i => lab.show(i)", 0)


def test_two_hundred_moves_in_a_row_leave_no_trace(page, record_property):
    open_panel(page, "from rnn_lib import playgrounds\nplaygrounds.sine_panel()")
    page.press(0, 0, "Home")
    times, before = [], None
    for move in range(220):
        if move == 20:  # by now caches are full
            before = float(page.execute(MEMORY))
            times.clear()
        answer = page.press(0, 0, "ArrowRight" if move % 20 < 10 else "ArrowLeft")
        assert sound(answer), (move, answer)
        times.append(answer["milliseconds"])
    after = float(page.execute(MEMORY))
    check_not_stale(page, [0])
    record_property("release to picture, ms", ["200 moves of the sine panel", [round(time) for time in times]])
    record_property("kernel memory, MB", [round(before, 1), round(after, 1)])
    assert after - before < MEMORY_LIMIT


FINE_PANEL = """
from rnn_lib.playgrounds.panel import Panel, slider
from rnn_lib.plots.style import new_figure

class Result:
    def __init__(self, **settings):
        self.summary = self.label = str(settings)

def draw(result):
    figure, axis = new_figure(width=4, height=2)
    axis.set_title(result.label)
    return figure

def run(fine=0, coarse=0):
    return Result(fine=fine, coarse=coarse)

Panel("fine", run, draw, {"fine": slider("fine", 0.0, 0.5, 0.07, step=0.01),
                          "coarse": slider("coarse", 0.0, 2.0, 1.15, step=0.05)}, ghosts=0)
"""


def test_sliders_with_small_steps_are_moved_as_well(page):
    """A teacher's panel may have any step: nothing here may read the one decimal that a slider says aloud."""
    open_panel(page, FINE_PANEL)
    assert len(move_every_slider(page, 0)) == 6
    assert page.js("lab.text(0)") == "{'fine': 0.07, 'coarse': 1.15}"


SLOW_PANEL = """
import time
from rnn_lib.playgrounds.panel import Panel, slider
from rnn_lib.plots.style import new_figure

runs = []

class Result:
    def __init__(self, n, other):
        self.summary = f"n = {n}, other = {other}"
        self.label = f"n = {n}"

def run(n=1, other=1, epochs=20, on_epoch=lambda epoch, history: None):
    runs.append(n)
    if n == 13:
        raise ValueError("13 is unlucky")
    for epoch in range(epochs):
        time.sleep(0.03)
        on_epoch(epoch, None)
    return Result(n, other)

def draw(result, ghosts=()):
    figure, axis = new_figure(width=4, height=2)
    axis.set_title(" after ".join([result.label, *(ghost.label for ghost in ghosts)]))
    return figure

Panel("slow", run, draw, {"n": slider("a rather long description", 1, 13, 1), "other": slider("other", 1, 3, 1)})
"""


def test_a_slow_panel_keeps_its_promises(page):
    """Progress while the kernel is busy, only the newest setting, errors in plain sight, keyboard alone."""
    open_panel(page, SLOW_PANEL)

    answer = page.press(0, 0, "ArrowRight")
    assert sound(answer) and answer["progress"] > 5
    assert not page.js("lab.panel(0).querySelector('progress')")

    page.execute("runs.clear()")
    answer = page.press(0, 0, "ArrowRight", times=10)
    assert sound(answer) and page.js("lab.text(0)") == "n = 12, other = 1"
    assert len(json.loads(page.execute("print(runs)"))) <= 3
    check_not_stale(page, [0])

    answer = page.press(0, 0, "ArrowRight")
    assert page.js("lab.text(0)") == "Not computed, the picture is the one before. ValueError: 13 is unlucky"
    assert not answer["picture_changed"] and not answer["lost"]
    answer = page.press(0, 0, "ArrowLeft")
    assert page.js("lab.text(0)") == "n = 12, other = 1" and sound(answer)

    tab_to(page, "lab.handle(0, 1)")
    page.js("lab.watch", [0, 4])
    page.page.keyboard.press("ArrowRight")
    assert sound(page.js("() => lab.answer")) and page.js("lab.text(0)") == "n = 12, other = 2"
    before = page.js("lab.picture(0).src")
    tab_to(page, "lab.panel(0).querySelector('button')")
    page.js("lab.watch", [0, 4])
    page.page.keyboard.press("Space")
    assert page.js("() => lab.answer")["picture_changed"] and page.js("lab.picture(0).src") != before
    assert page.js("lab.text(0)") == "n = 12, other = 2"


def test_the_writer_shows_its_text_while_it_grows_and_nothing_typed_changes_the_page(page):
    open_panel(page, "from rnn_lib import playgrounds\nplaygrounds.writer_panel()")
    box = page.page.locator(".widget-text input")
    for typed in ("<img src=x onerror=alert(1)>&amp;$x$", "The state"):
        box.fill(typed)
        page.js("lab.watch", [0, 20])
        box.press("Enter")
        answer = page.js("() => lab.answer")
        assert sound(answer) and answer["changes"] > 3, "the text grows"
        assert page.js("lab.picture(0).textContent").startswith(typed)
        assert page.js("lab.panel(0).querySelectorAll('pre, pre *').length") == 3
    check_not_stale(page, [0])
