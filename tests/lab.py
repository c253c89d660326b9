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


class Server:
    """JupyterLab on a free port of this machine over a throw-away copy of the repository."""

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="rnn-lab-"))
        self.copy = self.folder / "repository"
        shutil.copytree(REPOSITORY, self.copy, ignore=IGNORED)
        settings = self.folder / "jupyterlab_settings_dir" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True)
        (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
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
                 "--LabApp.expose_app_in_browser=True",
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
const picture = i => panel(i).querySelector('img, pre');  // a text, in the panel that writes
const shown = node => node && (node.src ?? node.textContent);
const complete = node => node && (node.naturalWidth ?? node.clientWidth) && (node.complete ?? true);
const text = i => panel(i).querySelector('[role=status]')?.textContent ?? '';
const handle = (i, k) => [...panel(i).querySelectorAll('.noUi-handle, select')][k];
const frame = () => new Promise(done => requestAnimationFrame(done));
const lab = window.lab = {errors: [], kernel, cells, panel, picture, text, handle};

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
  while (!(panel(i) && complete(picture(i)) && text(i))) await frame();
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
// Watch a panel until it shows another text or picture than before and the kernel was idle for so many frames.
lab.watch = ([i, frames]) => {
  const start = performance.now(), before = {text: text(i), src: shown(picture(i))}, height = panel(i).offsetHeight;
  const seen = {pressed: null, changed: null, changes: 0, lost: 0, jumps: 0, progress: 0};
  let src = before.src, words = before.text, calm = 0;
  for (const kind of ['keydown', 'input'])
    document.addEventListener(kind, event => { seen.pressed ??= event.timeStamp; }, {capture: true, once: true});
  lab.answer = (async () => {
    while (performance.now() - start < 60000) {
      const image = picture(i);
      if (!complete(image)) seen.lost++;
      if (panel(i).offsetHeight !== height) seen.jumps++;
      if (panel(i).querySelector('progress')) seen.progress++;
      if (image && (shown(image) !== src || text(i) !== words)) {
        src = shown(image); words = text(i); seen.changes++; seen.changed = performance.now(); calm = 0; }
      calm = seen.changed !== null && kernel().status === 'idle' ? calm + 1 : 0;
      if (calm >= frames) break;
      await frame();
    }
    return {...seen, milliseconds: seen.changed - seen.pressed, picture_changed: shown(picture(i)) !== before.src};
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

    def open(self, notebook, timeout=90):
        """Open a notebook and wait until its kernel is ready."""
        self.page.goto(f"{self.server.url}/lab/tree/{notebook}?reset", wait_until="domcontentloaded")
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

    def press(self, cell, control, key, times=1):
        """Press a key on a slider or a list; returns what was seen until the panel had answered.

        After several presses the last answer is to be awaited: the kernel may be idle for a moment in between.
        """
        self.js("([i, k]) => lab.handle(i, k).focus()", [cell, control])
        self.js("lab.watch", [cell, 4 if times == 1 else 20])
        for _ in range(times):
            self.page.keyboard.press(key)
        return self.js("() => lab.answer")

    def choose(self, cell, control, place):
        """Choose from a list, as a mouse does: JupyterLab takes its arrow keys. As `press`."""
        self.js("lab.watch", [cell, 4])
        node = self.page.evaluate_handle("([i, k]) => lab.handle(i, k)", [cell, control])
        node.as_element().select_option(index=place)
        return self.js("() => lab.answer")

    def value(self, cell, control):
        """Where a slider or a list stands: "now", "min", "max", "step"; a "list" says so."""
        return self.js("([i, k]) => lab.value(i, k)", [cell, control])

    def execute(self, code):
        """Run code in the notebook's kernel; returns what it prints."""
        return self.js("code => lab.execute(code)", code)
