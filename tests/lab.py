"""A real JupyterLab, and a page in headless Chromium that uses it as a learner would."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

REPOSITORY = Path(__file__).resolve().parent.parent
IGNORED = shutil.ignore_patterns(".*", "*venv*", "build", "__pycache__")
CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--disable-sync", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling", "--no-proxy-server",
]
NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
ATTEMPTS = 3  # at starting JupyterLab


def find_chromium():
    """Return the path of Chromium, or None."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@contextmanager
def time_limit(seconds):
    """End the browser after so many seconds: a page that hangs for ever becomes a test that fails."""
    timer = threading.Timer(seconds, end_browser)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def end_browser():
    """End every Chromium that this process has started."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if "chrom" in process.name().lower():
                process.kill()


def free_port():
    """Return a port that is free now. Before the server takes it, somebody else may."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


QUIET = {  # nothing asks the reader in the midst of a test
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "docmanager-extension/plugin": {"autosave": False},
}


class Server:
    """JupyterLab on a free port of this machine over a throw-away copy of the repository."""

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="rnn-lab-"))
        self.copy = self.folder / "repository"
        shutil.copytree(REPOSITORY, self.copy, ignore=IGNORED)
        for plugin, settings in QUIET.items():
            path = self.folder / "jupyterlab_settings_dir" / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(settings))
        for attempt in range(1, ATTEMPTS + 1):
            try:
                self.start(free_port())
                return self
            except RuntimeError:
                if attempt == ATTEMPTS:
                    shutil.rmtree(self.folder, ignore_errors=True)
                    raise

    def start(self, port):
        """Start JupyterLab on a port and wait until it answers. Raises RuntimeError if it does not."""
        self.url = f"http://127.0.0.1:{port}"
        names = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "JUPYTERLAB_SETTINGS_DIR",
                 "JUPYTERLAB_WORKSPACES_DIR", "IPYTHONDIR")
        environment = os.environ | {name: str(self.folder / name.lower()) for name in names}
        with open(self.folder / "log", "w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
                 f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--IdentityProvider.token=",
                 "--ServerApp.disable_check_xsrf=True", f"--ServerApp.root_dir={self.copy}",
                 "--LabApp.expose_app_in_browser=True", "--JupyterNotebookApp.expose_app_in_browser=True",
                 "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"],
                env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
            )
        deadline = time.monotonic() + 90
        while True:
            try:
                self.request("/api/status")
                return
            except (OSError, ValueError):  # nobody answers yet, or somebody else does
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.process.kill()
                    log = (self.folder / "log").read_text()
                    raise RuntimeError(f"JupyterLab did not start:\n{log[-3000:]}") from None
                time.sleep(0.2)

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop_kernels()
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def request(self, path, method="GET"):
        """Call the server's REST interface, past any proxy that the environment names."""
        with NO_PROXY.open(urllib.request.Request(self.url + path, method=method), timeout=10) as answer:
            return json.loads(answer.read() or "null")

    def stop_kernels(self):
        """End all kernels, so that one notebook does not slow the next one down."""
        for kernel in self.request("/api/kernels"):
            self.request(f"/api/kernels/{kernel['id']}", "DELETE")


# Helpers inside the page. A panel's text and picture are what a learner sees; `lab.watch` samples them in each frame.
SCRIPT = """
(() => {
if (window.lab) return;
const notebook = () => jupyterapp.shell.currentWidget;
const kernel = () => notebook()?.sessionContext?.session?.kernel;
const cells = () => notebook().content.widgets;
const panel = i => cells()[i].node.querySelector('.widget-vbox');
const pieces = i => [...panel(i).querySelectorAll('.widget-image, pre')];  // a text, in the panel that writes
const shown = i => pieces(i).map(node => node.src ?? node.textContent).join();
const complete = i => pieces(i).length && pieces(i).every(
  node => (node.naturalWidth ?? node.clientWidth) && (node.complete ?? true));
const text = i => panel(i).querySelector('[role=status]')?.textContent ?? '';
const handle = (i, k) => [...panel(i).querySelectorAll('.noUi-handle, select')][k];
const frame = () => new Promise(done => requestAnimationFrame(done));
const lab = window.lab = {errors: [], kernel, cells, panel, pieces, shown, text, handle};

lab.ready = () => !!(window.jupyterapp && notebook()?.context?.isReady && notebook().sessionContext?.isReady
                     && kernel()?.status === 'idle' && !document.querySelector('#jupyterlab-splash'));
// Exceptions in a slider's callback reach no cell: they are only seen on the kernel's channel.
lab.listen = () => notebook().sessionContext.iopubMessage.connect((_, message) => {
  if (message.header.msg_type === 'error') lab.errors.push(message.content.ename + ': ' + message.content.evalue);
  if (message.header.msg_type === 'stream' && message.content.name === 'stderr') lab.errors.push(message.content.text);
});
// JupyterLab asks every new kernel for its widgets, and one that has not imported ipywidgets yet warns that it knows no
// such comm. Whether `listen` is there in time to hear it is chance. It is over when the cells have run.
lab.forgetGreeting = () => { lab.errors = lab.errors.filter(text => !/^No such comm/.test(text)); };
lab.unrun = () => cells().filter(cell => cell.model.type === 'code' && cell.model.executionCount === null
  && cell.model.sharedModel.getSource().trim()).length;
lab.panels = () => cells().map((cell, i) => [cell, i]).filter(([cell]) => cell.model.type === 'code'
  && cell.model.outputs.toJSON().some(o => /^Panel: /.test(o.data?.['text/plain']))).map(([, i]) => i);
lab.show = async i => {
  notebook().content.activeCellIndex = i;
  await notebook().content.scrollToItem(i, 'center').catch(() => null);
  while (!(panel(i) && complete(i) && text(i))) await frame();
  panel(i).scrollIntoView({block: 'center'});
};
lab.controls = i => [...panel(i).querySelectorAll('.widget-slider, .widget-dropdown')].map(node => {
  const label = node.querySelector('.widget-label');
  return {name: label.textContent,
          cut: label.scrollWidth > label.clientWidth || node.scrollWidth > node.clientWidth + 1}; });
// Where a slider or a list stands, its ends and its step, as the widget itself has them: what it says aloud is rounded.
lab.value = (i, k) => {
  const node = handle(i, k), last = node.options?.length - 1;
  if (node.options) return {list: true, now: node.selectedIndex, min: 0, max: last, step: 1};
  const bar = node.closest('.noUi-target').noUiSlider, {range, step} = bar.options;
  return {now: bar.get(true), min: +range.min, max: +range.max, step};
};
const visible = node => node.getClientRects().length && getComputedStyle(node).visibility !== 'hidden';
// The texts of a panel whose contrast with what is behind them is below 4.5 : 1, which WCAG asks for.
lab.pale = i => {
  const channels = colour => colour.match(/[\\d.]+/g).map(Number);
  const linear = c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const light = colour => {
    const [r, g, b] = channels(colour).map(c => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = node => {
    const opaque = node => (channels(getComputedStyle(node).backgroundColor)[3] ?? 1) > 0.5;
    while (node && !opaque(node)) node = node.parentElement;
    return node ? getComputedStyle(node).backgroundColor : 'rgb(255, 255, 255)'; };
  return [...panel(i).querySelectorAll('*')].filter(node => visible(node) && !node.disabled
    && [...node.childNodes].some(child => child.nodeType === 3 && child.textContent.trim())).map(node => {
      const [a, b] = [light(getComputedStyle(node).color), light(behind(node))];
      return [node.textContent.trim().slice(0, 40), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)]; })
    .filter(([, contrast]) => contrast < 4.5);
};
// What sticks out of a panel, or does not fit into its own place. A picture may be scrolled; it is not squeezed.
lab.misfits = i => {
  const right = panel(i).getBoundingClientRect().right + 1, found = [];
  for (const node of panel(i).querySelectorAll('.widget-slider, .widget-dropdown, .widget-text, .rnn-summary, button'))
    if (node.getBoundingClientRect().right > right) found.push(node.className);
  for (const node of panel(i).querySelectorAll('.widget-label, .rnn-summary, .widget-readout'))
    if (node.scrollWidth > node.clientWidth + 1 || node.scrollHeight > node.clientHeight + 2)
      found.push(node.textContent);
  for (const node of pieces(i))
    if (node.naturalWidth && node.clientWidth < 0.65 * node.naturalWidth) found.push('a squeezed picture');
  return found;
};
// Watch a panel until it has painted another text or picture than before and the kernel was idle for so many frames.
// Painted is: the picture is decoded, and two frames have begun since. Times are in ms since 1970, as the kernel's are.
lab.watch = ([i, frames]) => {
  const now = () => performance.timeOrigin + performance.now(), deadline = now() + 60000;
  const before = {text: text(i), src: shown(i)}, height = panel(i).offsetHeight;
  const seen = {pressed: null, arrived: null, painted: null, changes: 0, lost: 0, jumps: 0, progress: 0};
  let src = before.src, words = before.text, calm = 0, painting = 0;
  for (const kind of ['keydown', 'input'])
    document.addEventListener(kind, event => { seen.pressed ??= performance.timeOrigin + event.timeStamp; },
                              {capture: true, once: true});
  const look = async () => {
    if (shown(i) === src && text(i) === words) return;
    src = shown(i); words = text(i); seen.changes++; seen.arrived = now(); calm = 0; painting++;
    await Promise.all(pieces(i).map(node => node.decode?.().catch(() => null)));
    await frame(); await frame();
    seen.painted = now(); painting--;
  };
  const observer = new MutationObserver(look);
  observer.observe(panel(i), {subtree: true, childList: true, characterData: true, attributes: true});
  lab.answer = (async () => {
    while (now() < deadline) {
      if (!complete(i)) seen.lost++;
      if (panel(i).offsetHeight !== height) seen.jumps++;
      if (panel(i).querySelector('progress')) seen.progress++;
      calm = seen.changes && !painting && kernel().status === 'idle' ? calm + 1 : 0;
      if (calm >= frames) break;
      await frame();
    }
    observer.disconnect();
    return {...seen, milliseconds: seen.painted - seen.pressed, picture_changed: shown(i) !== before.src};
  })();
};
lab.execute = async code => {
  let printed = '';
  const future = kernel().requestExecute({code, store_history: false});
  future.onIOPub = message => { if (message.header.msg_type === 'stream') printed += message.content.text; };
  await future.done;
  return printed;
};
})();
"""


# In the kernel: note when a panel's run, drawing and encoding begin and end, in ms since 1970.
CLOCK = """
import gc, json, time
from rnn_lib.playgrounds import panel as module
from rnn_lib.playgrounds.panel import Panel

marks = []

def timed(part, function):
    def wrapper(*given, **more):
        start = time.time()
        try:
            return function(*given, **more)
        finally:
            marks.append([part, 1000 * start, 1000 * time.time()])
    return wrapper

if not hasattr(module, "clocked"):
    module.clocked, module.to_urls = True, timed("encode", module.to_urls)
for thing in gc.get_objects():
    if issubclass(type(thing), Panel) and not hasattr(thing, "clocked"):  # isinstance fails on dead weakrefs
        thing.clocked, thing.run, thing.draw = True, timed("compute", thing.run), timed("draw", thing.draw)
"""
PARTS = ["to kernel", "compute", "draw", "encode", "back", "paint"]


def parts_of(answer, marks):
    """Split the time from key press to painted page, ms: a dict of PARTS. `marks` are the kernel's, see CLOCK."""
    last = {part: (start, end) for part, start, end in marks}
    computed, drawn = last["compute"], last["draw"]
    encoded = last.get("encode", (drawn[1], drawn[1]))  # a text is not encoded
    times = [answer["pressed"], *computed, encoded[0], encoded[1], answer["arrived"], answer["painted"]]
    return dict(zip(PARTS, (later - earlier for earlier, later in zip(times, times[1:], strict=False)), strict=True))


def idle():
    """True if two processes get all of two cores at this process's priority, as a kernel and a browser want them."""
    spin = ("import time\nstart = time.perf_counter()\nwhile time.perf_counter() < start + 0.3: pass\n"
            "print(time.process_time() > 0.27)")
    spinning = [subprocess.Popen([sys.executable, "-S", "-c", spin], stdout=subprocess.PIPE) for _ in range(2)]
    return all(process.communicate()[0].strip() == b"True" for process in spinning)


class Page:
    """One browser page on a `Server`."""

    def __init__(self, browser, server, **settings):
        self.page = browser.new_page(**{"viewport": {"width": 1400, "height": 1000}, **settings})
        self.server, self.errors, self.elsewhere = server, [], set()
        own = (server.url, server.url.replace("http", "ws"), "data:", "blob:")
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: request.url.startswith(own) or self.elsewhere.add(request.url))

    def js(self, expression, argument=None):
        """Evaluate an expression, or call a function, in the page."""
        self.page.evaluate(SCRIPT)
        return self.page.evaluate(expression, argument)

    def open(self, notebook, timeout=90, place="lab/tree"):
        """Open a notebook, in Notebook 7 if the place is "notebooks", and wait until its kernel is ready."""
        reset = "?reset" * (place != "notebooks")
        self.page.goto(f"{self.server.url}/{place}/{notebook}{reset}", wait_until="domcontentloaded")
        deadline = time.monotonic() + timeout
        while not self.js("lab.ready()"):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{notebook}: no kernel after {timeout} s")
            time.sleep(0.1)
        self.js("lab.listen()")

    def run_all(self):
        """Run all cells; returns when the last one is done."""
        self.js("() => jupyterapp.commands.execute('notebook:run-all-cells')")
        self.js("async () => { while (lab.kernel().status !== 'idle') await new Promise(d => setTimeout(d, 50)); }")
        self.js("lab.forgetGreeting()")

    def run_cell(self, i):
        """Run one cell; returns when it is done."""
        self.js("""async i => {
          jupyterapp.shell.currentWidget.content.activeCellIndex = i;
          await jupyterapp.commands.execute('notebook:run-cell');
          while (lab.kernel().status !== 'idle') await new Promise(done => setTimeout(done, 20)); }""", i)
        self.js("lab.forgetGreeting()")

    def press(self, cell, control, key, times=1):
        """Press a key on a slider or a list; returns what was seen until the panel had answered.

        "pressing" is the time that the presses took, ms.
        After several presses the last answer is to be awaited: the kernel may be idle for a moment in between.
        """
        self.js("([i, k]) => lab.handle(i, k).focus()", [cell, control])
        self.js("lab.watch", [cell, 4 if times == 1 else 20])
        start = time.monotonic()
        for _ in range(times):
            self.page.keyboard.press(key)
        pressing = 1000 * (time.monotonic() - start)
        return self.js("() => lab.answer") | {"pressing": pressing}

    def look(self, theme, width):
        """Use JupyterLab's "Light" or "Dark" theme in a window so many pixels wide."""
        self.page.set_viewport_size({"width": width, "height": 1000})
        self.js("""async theme => {
          await jupyterapp.commands.execute('apputils:change-theme', {theme});
          while (document.body.dataset.jpThemeName !== theme) await new Promise(done => setTimeout(done, 20)); }""",
                f"JupyterLab {theme}")

    def heard(self, cell):
        """What assistive technology is told about a panel: [(role, name, value), ...] of its accessibility tree."""
        session = self.page.context.new_cdp_session(self.page)
        session.send("Accessibility.enable")
        node = session.send("Runtime.evaluate", {"expression": f"lab.panel({cell})"})["result"]["objectId"]
        tree = session.send("Accessibility.queryAXTree", {"objectId": node})["nodes"]
        session.detach()

        texts = self.js("""i => Object.fromEntries([...lab.panel(i).querySelectorAll('[aria-valuetext]')].map(
            node => [node.ariaLabel, node.ariaValueText]))""", cell)  # Chromium leaves them out of this tree

        def told(node):
            role, name = node["role"]["value"], node.get("name", {}).get("value", "")
            return role, name, texts.get(name) or str(node.get("value", {}).get("value", ""))

        return [told(node) for node in tree if not node["ignored"]]

    def drag(self, cell, control, steps, seconds):
        """Drag a slider's handle from its left end to its right end; returns what was seen, "released" as well."""
        self.js("([i, k]) => lab.handle(i, k).scrollIntoView({block: 'center'})", [cell, control])
        place = self.value(cell, control)
        if place["now"] > place["min"]:  # otherwise nothing would answer
            self.press(cell, control, "Home")
        left, width, y = self.js("""([i, k]) => {
          const bar = lab.handle(i, k).closest('.noUi-target').getBoundingClientRect();
          return [bar.left, bar.width, bar.top + bar.height / 2]; }""", [cell, control])
        mouse = self.page.mouse
        mouse.move(left, y)
        mouse.down()
        self.js("lab.watch", [cell, 10])
        start = time.time()
        for step in range(1, steps + 1):
            mouse.move(left + width * step / steps, y)
            time.sleep(max(0, start + seconds * step / steps - time.time()))
        released = 1000 * time.time()
        mouse.up()
        return self.js("() => lab.answer") | {"start": 1000 * start, "released": released}

    def value(self, cell, control):
        """Where a slider or a list stands: "now", "min", "max", "step"; a "list" says so."""
        return self.js("([i, k]) => lab.value(i, k)", [cell, control])

    def execute(self, code):
        """Run code in the notebook's kernel; returns what it prints."""
        return self.js("code => lab.execute(code)", code)
