"""The site that a fork publishes: built once, its pages and links read, and its JupyterLite opened in Chromium.

Pyodide comes from npm here, and the pure Python packages of its kernel from pip. Its builds of NumPy and Matplotlib are
on Pyodide's own server alone, which a test must not need: what the notebooks compute there is not tested. What is: the
kernel's Python starts, installs `rnn_lib` from the site's own index, and the first cell says that NumPy is missing.
"""

import functools
import hashlib
import html
import http.server
import importlib
import json
import mimetypes
import re
import shutil
import subprocess
import sys
import tarfile
import threading
from pathlib import Path
from urllib.parse import quote, unquote

import nbformat
import pytest
from execute_notebooks import ROOT, notebooks, read, readable
from lab import CHROMIUM_FLAGS, find_chromium, time_limit
from links import LINK
from test_notebooks import FIRST_LINE, pictures, prose_cells

import rnn_lib

VENV = ROOT / "build" / "venv"
TOOLS = next(filter(Path.is_file, (VENV / "bin" / "python", VENV / "Scripts" / "python.exe")), None)
REPOSITORY = "someone/their-course"
KERNEL_PACKAGES = ("micropip", "packaging", "ipython", "jedi")  # with all that they depend on
TEST_LIMIT = 240  # s, then the browser hangs: the longest test takes about half a minute on a busy machine

PROBE = """import sys
from importlib.metadata import version
import piplite
await piplite.install("rnn-lib")
print(f"Python {sys.version_info[:2]}, rnn_lib {version('rnn-lib')}")
import ipywidgets
ipywidgets.IntSlider(7)"""

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(TOOLS is None, reason="the site's tools are missing: .github/site/build.py begins with them"),
]


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *_):
        """Say nothing."""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder with the site, in `course`, and Colab's copies, in `colab`; its address is that of a server here."""
    folder = tmp_path_factory.mktemp("site")
    handler = functools.partial(Handler, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/course/"
        command = [TOOLS, ROOT / ".github/site/build.py", folder / "course", "--colab", folder / "colab",
                   "--repository", REPOSITORY, "--branch", "main", "--url", url]
        answer = subprocess.run(command, capture_output=True, text=True)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        yield folder, url
        server.shutdown()


@pytest.fixture(scope="module")
def site(built):
    return built[0] / "course"


def pages(site):
    """{path: text} of every page of ours in the site."""
    found = [path for path in site.rglob("*.html") if "lite" not in path.relative_to(site).parts]
    return {path.relative_to(site).as_posix(): path.read_text(encoding="utf-8") for path in found}


# --- Pages to read --------------------------------------------------------------------------------


def test_there_is_a_page_for_every_notebook_and_all_links_resolve(site):
    texts = pages(site)
    wanted = {readable(path).replace(".ipynb", ".html") for path in notebooks()}
    assert wanted <= texts.keys()
    dead = []
    for path, text in texts.items():
        for target in re.findall(r'\b(?:href|src)="([^"]+)"', text):
            target, _, anchor = html.unescape(target).partition("#")
            if target.startswith(("https://", "data:")):
                continue
            file, _, query = target.partition("?path=")
            linked = (site / path).parent / unquote(file) if file else site / path
            if not linked.is_file() or query and not (site / "lite" / "files" / query).is_file():
                dead.append(f"{path}: {target}")
            elif anchor and f'id="{unquote(anchor)}"' not in html.unescape(linked.read_text(encoding="utf-8")):
                dead.append(f"{path}: {target}#{anchor}")
    assert dead == []


def test_pages_need_nothing_from_elsewhere_and_their_figures_speak(site):
    for path in notebooks():
        text = (site / readable(path).replace(".ipynb", ".html")).read_text(encoding="utf-8")
        shown = [output for cell in read(path).cells for output in cell.get("outputs", []) if pictures(output)]
        sentences = [html.escape(output.data["text/plain"]) for output in shown]
        images = re.findall(r"<img\b[^>]*>", text)
        alts = [re.search(r'\balt="([^"]*)"', image) for image in images]
        assert all(alt and len(alt[1].split()) > 3 for alt in alts), path
        assert [html.unescape(sentence) for sentence in sentences] == [
            html.unescape(alt[1]) for image, alt in zip(images, alts, strict=True) if 'src="data:' in image]
        assert "<script" not in text and not re.search(r'\bsrc="http', text)
        formulas = re.findall(r"<math\b.*?</math>", text, re.DOTALL)
        assert not [formula for formula in formulas if "\\" in re.sub(r"<[^>]+>", "", formula)], path
        assert FIRST_LINE not in html.unescape(re.sub(r"<[^>]+>", "", text))


def test_a_fork_links_to_its_own_colab_and_binder(site):
    links = re.findall(r'href="([^"]+)"', html.unescape((site / "index.html").read_text(encoding="utf-8")))
    for path in notebooks():
        if path.parent.name == "notebooks":
            assert f"https://colab.research.google.com/github/{REPOSITORY}/blob/colab/{readable(path)}" in links
            assert f"https://mybinder.org/v2/gh/{REPOSITORY}/main?urlpath=lab%2Ftree%2Fnotebooks%2F{path.name}" in links


@pytest.mark.parametrize(("environment", "remote", "wanted"), [
    ({"GITHUB_REPOSITORY": "a-b/c.d", "GITHUB_REF_NAME": "x/y"}, "", ("a-b/c.d", "x/y", "https://a-b.github.io/c.d/")),
    ({"GITHUB_REPOSITORY": "A/a.github.io"}, "", ("A/a.github.io", "main", "https://a.github.io/")),
    ({}, "git@github.com:a/b.git", ("a/b", "main", "https://a.github.io/b/")),
    ({}, "https://github.com/a/b", ("a/b", "main", "https://a.github.io/b/")),
    ({}, "https://elsewhere.org/a/b", ("", "main", "http://localhost:8000/")),
    ({}, "", ("", "main", "http://localhost:8000/")),
])
def test_a_fork_is_known_by_its_workflow_or_by_git(environment, remote, wanted, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / ".github" / "site"))
    places = importlib.import_module("places")
    for name in ("GITHUB_REPOSITORY", "GITHUB_REF_NAME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(places, "git", lambda *command: remote if command[0] == "remote" else "main")
    found = places.find_places()
    assert (found.repository, found.branch, found.url) == wanted
    if found.repository:
        assert quote(found.branch, safe="") in found.binder("notebooks/00_start_here.ipynb").split("/")[-1]


# --- Copies for Colab and JupyterLite -------------------------------------------------------------


def test_copies_differ_only_in_a_first_line_that_installs_and_in_links(built):
    folder, url = built
    (wheel,) = (folder / "course" / "wheels").iterdir()
    install = {"lite": 'piplite").install("rnn-lib")', "colab": f"install -q --no-deps {url}wheels/{wheel.name}"}
    copies = {"lite": folder / "course" / "lite" / "files", "colab": folder / "colab"}
    published = {url: folder / "course", f"https://github.com/{REPOSITORY}/blob/main/": ROOT,
                 f"https://colab.research.google.com/github/{REPOSITORY}/blob/colab/": folder / "colab"}
    for path in notebooks():
        for name, copy in copies.items():
            notebook = nbformat.read(copy / readable(path), as_version=4)
            pairs = [(old.source, new.source) for old, new in zip(read(path).cells, notebook.cells, strict=True)
                     if old.cell_type == "code"]
            ((old, new),) = ((old, new) for old, new in pairs if old != new)
            assert install[name] in new.partition("\n")[0] and new.partition("\n")[2] == old.partition("\n")[2]
            for target in (a or b for _, prose in prose_cells(notebook) for a, b in LINK.findall(prose)):
                file = target.partition("#")[0]
                place = next((place for start, place in published.items() if file.startswith(start)), None)
                if place is not None:
                    start = next(start for start in published if file.startswith(start))
                    assert (place / unquote(file.removeprefix(start))).exists(), (path, target)
                elif file and "://" not in file:
                    assert name == "lite" and (copy / readable(path)).parent.joinpath(file).exists(), (path, target)


def test_the_line_for_colab_installs_where_the_course_is_missing_and_does_nothing_elsewhere(built):
    """Colab is a kernel that has NumPy and the rest, but not the course: so is this Python without its site."""
    folder, _ = built
    first = next(cell for cell in read(folder / "colab" / readable(notebooks()[0])).cells if cell.cell_type == "code")
    line = first.source.partition("\n")[0]
    script = """
import json, sys
asked = []
class Shell:
    def run_line_magic(self, *words): asked.append(words)
get_ipython = Shell
exec(sys.argv[1])
print(json.dumps(asked))
"""
    for options, wanted in ((["-I"], 0), (["-I", "-S"], 1)):
        answer = subprocess.run([sys.executable, *options, "-c", script, line], capture_output=True, text=True)
        assert len(json.loads(answer.stdout)) == wanted, answer.stderr
    target = folder / "installed"
    command = re.search(r'"pip", "(.*)"\)', line)[1].split()
    subprocess.run([sys.executable, "-m", "pip", *command, "--target", target], check=True, capture_output=True)
    assert (target / "rnn_lib" / "datasets" / "course_text.txt").is_file()


# --- In Chromium ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pyodide(tmp_path_factory):
    """{file name: bytes}: what Pyodide's server sends for a kernel to start, from npm and pip."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed: Pyodide comes from there")
    folder = tmp_path_factory.mktemp("pyodide")
    script = "from jupyterlite_pyodide_kernel.constants import PYODIDE_VERSION; print(PYODIDE_VERSION)"
    wanted = subprocess.run([TOOLS, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    subprocess.run([shutil.which("npm"), "pack", f"pyodide@{wanted}", "--silent"], cwd=folder, check=True,
                   capture_output=True)
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        archive.extractall(folder, filter="data")
    lock = json.loads((folder / "package" / "pyodide-lock.json").read_text(encoding="utf-8"))
    names, todo = set(), list(KERNEL_PACKAGES)
    while todo:
        package = lock["packages"][todo.pop().lower().replace("_", "-")]
        if package["name"] not in names:
            names.add(package["name"])
            todo += package["depends"]
    packages = [package for package in lock["packages"].values() if package["name"] in names]
    command = ["download", "-q", "--no-deps", "--only-binary=:all:", "-d", str(folder / "package")]
    command += ["--implementation=py", "--abi=none", "--platform=any", "--python-version", lock["info"]["python"]]
    subprocess.run([sys.executable, "-m", "pip", *command, *(f"{p['name']}=={p['version']}" for p in packages)],
                   check=True, capture_output=True)
    files = {path.name: path.read_bytes() for path in (folder / "package").iterdir()}
    for package in packages:  # PyPI has the same files, but packed at another time
        package["sha256"] = hashlib.sha256(files[package["file_name"]]).hexdigest()
    return files | {"pyodide-lock.json": json.dumps(lock).encode()}


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if find_chromium() is None:
        pytest.skip("no Chromium: on Debian, apt-get install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=find_chromium(), args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


def test_the_first_page_lists_all_notebooks_and_opens_one(built, browser):
    _, url = built
    page = browser.new_page()
    elsewhere = set()
    page.on("request", lambda request: request.url.startswith((url, "data:")) or elsewhere.add(request.url))
    with time_limit(TEST_LIMIT):
        page.goto(url)
        rows = page.locator("main table tr").all_inner_texts()
        for path in notebooks():
            if path.parent.name == "notebooks":
                title = re.match(r"# (.*)", read(path).cells[0].source)[1]
                assert any(row.startswith(title) for row in rows), title
        page.goto(f"{url}notebooks/03_bptt_derivation.html")
        assert page.locator("math").first.bounding_box()["width"] > 0
        loaded = page.evaluate("[...document.images].map(image => image.complete && image.naturalWidth > 0)")
        assert loaded and all(loaded)
    assert elsewhere == set()
    page.close()


def test_jupyterlite_opens_on_a_notebook_and_its_kernel_installs_the_course(built, browser, pyodide):
    _, url = built
    missing, page = set(), browser.new_page(viewport={"width": 1400, "height": 1000})

    def from_pyodide(route):
        name = route.request.url.partition("?")[0].rpartition("/")[2]
        if name not in pyodide:
            missing.add(name)
            return route.abort()
        kind = {".mjs": "text/javascript"}.get(Path(name).suffix) or mimetypes.guess_type(name)[0]
        return route.fulfill(body=pyodide[name], content_type=kind or "application/octet-stream",
                             headers={"Access-Control-Allow-Origin": "*"})

    page.context.route("https://cdn.jsdelivr.net/**", from_pyodide)
    with time_limit(TEST_LIMIT):
        page.goto(f"{url}lite/lab/index.html?path=notebooks/00_start_here.ipynb", wait_until="domcontentloaded")
        first = page.locator(".jp-Notebook .jp-CodeCell").first
        first.wait_for(timeout=90_000)
        listed = page.locator(".jp-DirListing-itemName")
        listed.filter(has_text=notebooks()[0].name).wait_for(timeout=30_000)
        here = {path.name for path in notebooks() if path.parent.name == "notebooks"}
        assert here <= set(listed.all_inner_texts())
        first.locator(".cm-content").click()
        page.keyboard.press("Escape")
        page.keyboard.press("a")  # a new cell above
        page.keyboard.press("Enter")
        page.keyboard.insert_text(PROBE)
        page.wait_for_function("[...document.querySelectorAll('.jp-RenderedMarkdown img')].some(i => i.naturalWidth)")
        page.keyboard.press("Shift+Enter")
        page.keyboard.press("Shift+Enter")
        probe, first = (page.locator(".jp-Notebook .jp-CodeCell").nth(i).locator(".jp-OutputArea") for i in (0, 1))
        first.get_by_text("Error: ").wait_for(timeout=180_000)
        assert f"Python (3, 14), rnn_lib {rnn_lib.__version__}\n" in probe.inner_text()
        probe.locator(".noUi-handle").wait_for(timeout=30_000)  # a slider, as in the panels
        assert first.inner_text().strip().endswith("\nModuleNotFoundError: No module named 'numpy'")
    page.close()
    assert any(name.startswith("numpy-") for name in missing), "the course's wheel asked for NumPy"
