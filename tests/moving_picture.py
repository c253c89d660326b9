"""Make README's moving picture: drag the sliders of notebook 06's panel in a real JupyterLab, and keep what is seen.

    python tests/moving_picture.py

It needs Chromium and playwright, and writes images/panel.webp, and images/panel.png for those who prefer a still. What
takes time there takes the same time in the picture: run it on an idle machine.
"""

import io
import sys
import time

from lab import CHROMIUM_FLAGS, REPOSITORY, Page, Server, find_chromium
from PIL import Image

NOTEBOOK, PANEL = "notebooks/06_sine_wave.ipynb", "Panel: sine wave"
DRAGS = (("hidden size", 2), ("hidden size", 32), ("learning rate", 9), ("learning rate", 6))  # 9: the tenth, 0.1
STEPS = 12  # mouse moves a drag
FRAME, LOOK, END = 60, 1000, 1800  # milliseconds: of a move, of a look at a result, of one at the last
WIDTH, SCALE = 1080, 1.25  # of the window, in pixels of the page, and how many pixels of the picture each of these has
MOST_BYTES, SECONDS = 1_500_000, (8, 12)

SCRIPT = """
(() => {
const arrow = '<svg xmlns="http://www.w3.org/2000/svg" width="22" height="30"><path d="M2 2 V23 '
  + 'L7.5 18 L11 26 L15 24.4 L11.6 16.6 H19 Z" fill="#222" stroke="white" stroke-width="1.6"/></svg>';
const node = Object.assign(document.createElement('div'), {innerHTML: arrow});
node.style.cssText = 'position: fixed; z-index: 100000; pointer-events: none; left: -50px; top: 0';
document.body.append(node);
lab.point = ([x, y]) => { node.style.left = x + 'px'; node.style.top = y + 'px'; };
lab.runCell = async i => {
  jupyterapp.shell.currentWidget.content.activeCellIndex = i;
  await jupyterapp.commands.execute('notebook:run-cell');
  while (lab.kernel().status !== 'idle') await new Promise(done => setTimeout(done, 50));
};
lab.cellWith = text => jupyterapp.shell.currentWidget.content.widgets.findIndex(
  cell => cell.model.type === 'code' && cell.model.sharedModel.getSource().includes(text));
lab.panelCalled = text => lab.panels().find(i => jupyterapp.shell.currentWidget.content.widgets[i].model.outputs
  .toJSON().some(output => output.data?.['text/plain'].startsWith(text)));
lab.box = i => { const {x, y, width, height} = jupyterapp.shell.currentWidget.content.widgets[i].node
                 .getBoundingClientRect(); return {x, y, width, height}; };
lab.middle = ([i, k]) => { const box = lab.handle(i, k).getBoundingClientRect();
                           return [box.x + box.width / 2, box.y + box.height / 2]; };
lab.track = ([i, k]) => { const box = lab.handle(i, k).closest('.noUi-target').getBoundingClientRect();
                          return [box.x, box.width]; };
lab.pictures = i => [...lab.panel(i).querySelectorAll('img')].map(image => image.src).join();
lab.busy = () => lab.kernel().status !== 'idle';
})();
"""


class Film:
    """The frames, each with how long it is seen."""

    def __init__(self, page, cell):
        self.page, self.frames, self.milliseconds = page, [], []
        self.clip = page.js("i => lab.box(i)", cell)

    def take(self, milliseconds):
        """Take a frame; one that looks like the one before makes that one last longer."""
        frame = Image.open(io.BytesIO(self.page.page.screenshot(clip=self.clip))).convert("RGB")
        if self.frames and frame.tobytes() == self.frames[-1].tobytes():
            self.milliseconds[-1] += milliseconds
        else:
            self.frames.append(frame)
            self.milliseconds.append(milliseconds)

    def save(self, folder):
        """Write both pictures; returns their sizes and the seconds that the film takes."""
        moving, still = folder / "panel.webp", folder / "panel.png"
        self.frames[0].save(moving, save_all=True, append_images=self.frames[1:], duration=self.milliseconds, loop=0,
                            quality=70, method=6)
        self.frames[-1].quantize(128).save(still, optimize=True)
        return moving.stat().st_size, still.stat().st_size, sum(self.milliseconds) / 1000


def drag(film, page, cell, control, value):
    """Drag a slider to a value, and watch until the panel has answered."""
    mouse, shown = page.page.mouse, page.js("i => lab.pictures(i)", cell)
    x, y = page.js("place => lab.middle(place)", [cell, control])
    left, width = page.js("place => lab.track(place)", [cell, control])
    bounds = page.value(cell, control)
    end = left + width * (value - bounds["min"]) / (bounds["max"] - bounds["min"])
    mouse.move(x, y)
    mouse.down()
    for step in range(STEPS + 1):
        share = step / STEPS
        at = x + (end - x) * share * share * (3 - 2 * share)  # it starts and stops gently
        mouse.move(at, y)
        page.js("place => lab.point(place)", [at, y])
        film.take(FRAME)
    mouse.up()
    started = last = time.monotonic()
    while page.js("i => lab.pictures(i)", cell) == shown or page.js("lab.busy()"):
        if time.monotonic() - started > 30:
            raise TimeoutError("the panel does not answer")
        now = time.monotonic()
        film.take(max(20, round(1000 * (now - last))))
        last = now
    film.take(LOOK)


def main():
    """Open the notebook, run what the panel needs, drag, and write the pictures. Returns what went wrong, or None."""
    from playwright.sync_api import sync_playwright

    with Server() as server, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        page = Page(browser, server, viewport={"width": WIDTH, "height": 900}, device_scale_factor=SCALE)
        page.open(NOTEBOOK)
        page.js(SCRIPT)
        page.js("() => jupyterapp.shell.collapseLeft()")
        cell = page.js("text => lab.panelCalled(text)", PANEL)
        page.js("() => lab.runCell(lab.cellWith('import'))")
        page.js("i => lab.runCell(i)", cell)
        page.js("i => lab.show(i)", cell)
        names = [control["name"] for control in page.js("i => lab.controls(i)", cell)]
        time.sleep(1)
        film = Film(page, cell)
        film.take(LOOK)
        for name, value in DRAGS:
            drag(film, page, cell, names.index(name), value)
        film.milliseconds[-1] += END - LOOK
        errors = page.errors + page.js("() => lab.errors")
        moving, still, seconds = film.save(REPOSITORY / "images")
    print(f"panel.webp: {moving:,} bytes, {len(film.frames)} frames, {film.frames[0].size} pixels, {seconds:.1f} s")
    print(f"panel.png: {still:,} bytes")
    if errors:
        return f"the page had errors: {errors}"
    if moving > MOST_BYTES or not SECONDS[0] <= seconds <= SECONDS[1]:
        return f"expected at most {MOST_BYTES:,} bytes and {SECONDS[0]} to {SECONDS[1]} seconds"


if __name__ == "__main__":
    sys.exit(main())
