"""The notebooks in a real browser: Run All in JupyterLab, and every slider of every panel moved by keyboard.

Set SHOTS to a folder to keep a picture of each panel at both ends of its sliders.
"""

import json
import os
import statistics
from pathlib import Path

import nbformat
import pytest
from lab import CHROMIUM_FLAGS, REPOSITORY, Page, Server, find_chromium

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
MEMORY_LIMIT = 10  # MB over 200 moves
PANEL_STATE = """
import gc, json
from rnn_lib.playgrounds.panel import Panel
panels = [thing for thing in gc.get_objects() if type(thing) is Panel]  # isinstance fails on dead weak references
print(json.dumps([[panel.summary, panel.run(**panel.settings).summary] for panel in panels]))
"""
MEMORY = """
import gc, psutil
gc.collect()
print(psutil.Process().memory_info().rss / 1e6)
"""


@pytest.fixture(scope="module")
def server():
    with Server() as server:
        yield server


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser, server):
    """A page in which nothing may go wrong: no error in page or kernel, no request to another host."""
    page = Page(browser, server)
    yield page
    kernel_errors = page.js("lab.errors")
    page.page.close()
    server.stop_kernels()
    assert not kernel_errors and not page.errors
    assert not page.elsewhere


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


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_run_all_and_move_every_slider(page, notebook, record_property):
    page.open(f"notebooks/{notebook.name}")
    page.run_all()
    assert page.js("lab.unrun()") == 0
    cells = page.js("lab.panels()")
    for cell in cells:
        page.js("i => lab.show(i)", cell)
        controls = page.js("i => lab.controls(i)", cell)
        assert not [control["name"] for control in controls if control["cut"]], "a control is cut off"
        keep_shot(page, cell, f"{notebook.stem} {cell} as opened")
        times = []
        for k, control in enumerate(controls):
            name, start = control["name"], page.value(cell, k)
            for key, end in (("End", "max"), ("Home", "min")):
                if page.value(cell, k)["now"] != start[end]:
                    answer = page.press(cell, k, key)
                    assert sound(answer) and page.value(cell, k)["now"] == start[end], (name, answer)
                    times.append(answer["milliseconds"])
                keep_shot(page, cell, f"{notebook.stem} {cell} {name} {key}")
            if start["now"] != start["min"]:
                answer = page.press(cell, k, start["forward"])
                times.append(answer["milliseconds"])
                step = page.value(cell, k)["now"] - start["min"]
                steps_left = round((start["now"] - start["min"]) / step) - 1
                if steps_left:
                    answer = page.press(cell, k, start["forward"], steps_left)
                assert sound(answer) and page.value(cell, k) == start, (name, answer)
        record_property("release to picture, ms", [f"{notebook.stem}, cell {cell}", [round(time) for time in times]])
        assert statistics.median(times) < MEDIAN_LIMIT
    if cells:
        check_not_stale(page, cells)


def test_two_hundred_moves_in_a_row_leave_no_trace(page, record_property):
    page.open("notebooks/06_sine_wave.ipynb")
    page.run_all()
    cell = page.js("lab.panels()")[0]
    page.js("i => lab.show(i)", cell)
    page.press(cell, 0, "Home")
    times, before = [], None
    for move in range(220):
        if move == 20:  # by now caches are full
            before = float(page.execute(MEMORY))
            times.clear()
        answer = page.press(cell, 0, "ArrowRight" if move % 20 < 10 else "ArrowLeft")
        assert sound(answer), (move, answer)
        times.append(answer["milliseconds"])
    after = float(page.execute(MEMORY))
    check_not_stale(page, page.js("lab.panels()"))
    record_property("release to picture, ms", ["200 moves of the sine panel", [round(time) for time in times]])
    record_property("kernel memory, MB", [round(before, 1), round(after, 1)])
    assert after - before < MEMORY_LIMIT


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


def test_a_slow_panel_keeps_its_promises(page, server):
    """Progress while the kernel is busy, only the newest setting, errors in plain sight, keyboard alone."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SLOW_PANEL)], metadata=kernel)
    nbformat.write(notebook, server.copy / "slow.ipynb")
    page.open("slow.ipynb")
    page.run_all()
    page.js("i => lab.show(i)", 0)

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
