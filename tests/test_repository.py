"""The repository's own rules: what lies where, what imports what, and that the heart of the course stays short."""

import ast
import io
import json
import re
import shutil
import subprocess
import sys
import tokenize
import tomllib

import machine_matrix
import pytest
from execute_notebooks import ROOT, notebooks, read, readable
from links import FENCED, dead_links
from PIL import Image

import rnn_lib

TOP_LEVEL = {
    "README.md", "requirements.txt", "pyproject.toml", "LICENSE", ".gitattributes", ".gitignore", ".ci", ".github",
    ".binder", ".devcontainer", "notebooks", "rnn_lib", "tests", "images",
}
# The house: a file imports only from floors below its own. A package counts as one file.
FLOORS = {
    "ground": 1, "plots": 1, "datasets": 1, "activations": 1,
    "initialization": 1.9, "model": 2, "losses": 2,
    "optim": 2, "gradcheck": 2.3, "nudge": 2, "data": 2, "ngram": 2, "saliency": 2,
    "recurrent": 2.5, "rnn": 3, "mlp": 3, "lstm": 3, "gru": 3, "mingru": 3, "training": 3, "generate": 3,
    "interop": 3.2,
    "bugs": 3.5,  # the models with something broken: above the models, below the lessons
    "race": 3.5,  # notebook 12's: it trains every model
    "exercises": 4, "playgrounds": 4, "grade": 5,
}
PACKAGE_FLOOR = 3  # rnn_lib/__init__.py hands out the models
MAX_FILE_LINES = 320
MAX_HEART_LINES = {"RNN": 45, "LSTM": 58, "GRU": 58}
PLAIN_MODULES = [
    "rnn", "lstm", "gru", "mingru", "mlp", "losses", "optim", "training", "data", "gradcheck", "nudge", "generate",
    "model", "recurrent", "activations", "initialization", "ngram", "saliency", "interop",
]


def library_files():
    return sorted((ROOT / "rnn_lib").rglob("*.py"))


def room_of(path):
    """The name of the file or package of rnn_lib that a path belongs to; None for rnn_lib/__init__.py."""
    room = path.relative_to(ROOT / "rnn_lib").parts[0].removesuffix(".py")
    return None if room == "__init__" else room


def imported_rooms(source):
    """The files and packages of rnn_lib that a file imports from, wherever in the file it does; None for rnn_lib."""
    for node in ast.walk(ast.parse(source)):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports are absolute"
            names = [f"{node.module}.{alias.name}" if node.module == "rnn_lib" else node.module for alias in node.names]
        for name in names:
            package, *rest = name.split(".")
            if package == "rnn_lib":
                yield rest[0] if rest and rest[0] in FLOORS else None


def upward_imports(room, source):
    """The imports of a file that do not point downward."""
    floor = FLOORS[room]
    for other in imported_rooms(source):
        if other != room and FLOORS.get(other, PACKAGE_FLOOR) >= floor:
            yield f"{room} (floor {floor}) imports {other or 'rnn_lib'} (floor {FLOORS.get(other, PACKAGE_FLOOR)})"


def code_lines(source):
    """How many lines of a source hold code: not blank, no comment, no docstring."""
    tree = ast.parse(source)
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type not in (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT,
                              tokenize.ENDMARKER):
            lines.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Module)) and ast.get_docstring(node) is not None:
            lines -= set(range(node.body[0].lineno, node.body[0].end_lineno + 1))
    return len(lines)


def git(*command):
    """What git says about this clone. Skips the test where there is no git, or where this copy is no clone."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    answer = subprocess.run(["git", *command], cwd=ROOT, capture_output=True, text=True)
    if answer.returncode:
        pytest.skip("this copy is not a git clone")
    return answer.stdout.splitlines()


def test_top_level_holds_what_the_design_says():
    found = {line.split("/")[0] for line in git("ls-files")}
    assert found == TOP_LEVEL, f"for a course of your own, change TOP_LEVEL: {', '.join(found ^ TOP_LEVEL)}"


def test_without_git_the_rules_about_git_are_skipped(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(pytest.skip.Exception, match="git is not installed"):
        git("ls-files")


def test_a_checkout_has_unix_line_ends_whatever_git_is_told():
    """With Windows' line ends .ci/run does not start, and no notebook is in its normal form."""
    files = git("ls-files", ".ci", "notebooks", "tests")
    assert {line.rpartition(": ")[2] for line in git("check-attr", "eol", *files)} == {"lf"}


def test_imports_point_downward():
    for path in library_files():
        room = room_of(path)
        if room is not None:
            assert list(upward_imports(room, path.read_text(encoding="utf-8"))) == [], readable(path)


@pytest.mark.parametrize(("room", "source", "upward"), [
    ("losses", "from rnn_lib.ground.validation import check_array", 0),
    ("losses", "from rnn_lib.optim import SGD", 1),
    ("ground", "import rnn_lib.losses", 1),
    ("data", "def f():\n    from rnn_lib import plots, RNN", 1),
    ("rnn", "from rnn_lib import exercises", 1),
    ("exercises", "from rnn_lib.exercises.verdict import Verdict\nfrom rnn_lib import RNN, data\nimport numpy", 0),
])
def test_upward_imports_are_seen(room, source, upward):
    assert len(list(upward_imports(room, source))) == upward


def test_importing_the_library_is_light():
    modules = [name for name in PLAIN_MODULES if (ROOT / "rnn_lib" / f"{name}.py").exists()]
    assert "rnn" in modules and "training" in modules
    script = "import sys, rnn_lib, " + ", ".join(f"rnn_lib.{name}" for name in modules)
    script += "\nprint(sorted({'matplotlib', 'ipywidgets', 'IPython', 'tqdm'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert result.stdout.strip() == "[]", result.stdout + result.stderr


def test_files_can_be_read_in_one_sitting():
    for path in library_files():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= MAX_FILE_LINES, f"{readable(path)}: split it into two rooms"


@pytest.mark.parametrize("model", MAX_HEART_LINES)
def test_forward_and_backward_fit_one_screen(model):
    source = (ROOT / "rnn_lib" / f"{model.lower()}.py").read_text(encoding="utf-8")
    (network,) = (node for node in ast.parse(source).body if isinstance(node, ast.ClassDef) and node.name == model)
    functions = (node for node in network.body if isinstance(node, ast.FunctionDef))
    heart = [node for node in functions if node.name in ("forward", "backward")]
    assert len(heart) == 2
    lines = [code_lines("if 1:\n" + ast.get_source_segment(source, node, padded=True)) - 1 for node in heart]
    assert sum(lines) <= MAX_HEART_LINES[model]


def test_code_lines_are_counted():
    source = "def f(x):\n    '''Two\n    lines.'''\n\n    # why\n    y = [\n        x,  # here\n    ]\n"
    source += "    return '''a\n\nb'''\n"
    assert code_lines(source) == 7


def lower_bounds(requirements):
    """{name: oldest version} of a list of requirements."""
    matches = [re.match(r"([\w-]+)[>=]=([\d.]+)", line) for line in requirements]
    return {match[1]: re.sub(r"(\.0)+$", "", match[2]) for match in matches if match}


def test_requirements_agree():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert next(line for line in lines if not line.startswith("#")) == "-e .", (
        "the course's own package first: pip then refuses a Python that is too old before it looks for anything else"
    )
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert lower_bounds(project["dependencies"]).items() <= lower_bounds(lines).items()


def test_what_opens_the_course_elsewhere_installs_what_a_learner_does():
    """Binder and a class's hub read `.binder`, Codespaces and editors `.devcontainer`: neither can be run here."""
    needs = (ROOT / ".binder" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    files = [line.removeprefix("-r ") for line in needs if not line.startswith("#")]
    assert [(ROOT / ".binder" / file).resolve() for file in files] == [ROOT / "requirements.txt"]
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    assert container["postCreateCommand"].endswith("-r .binder/requirements.txt")
    binder = (ROOT / ".binder" / "runtime.txt").read_text(encoding="utf-8").strip().removeprefix("python-")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert container["image"].endswith(f"python:{binder}") and f">={binder}" >= project["requires-python"]
    assert all((ROOT / file).is_file() for file in container["customizations"]["codespaces"]["openFiles"])


def test_the_citation_has_the_version_that_a_tag_carries():
    text = (ROOT / ".github" / "CITATION.cff").read_text(encoding="utf-8")  # GitHub's button reads the top level only
    assert f"\nversion: {rnn_lib.__version__}\n" in text and re.fullmatch(r"\d+\.\d+\.\d+", rnn_lib.__version__)


def test_readme_is_short_and_its_picture_moves():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) < 130
    assert "prefers-reduced-motion" in text, "a still for those who want no motion"
    path, milliseconds = ROOT / "images" / "panel.webp", []
    assert path.stat().st_size < 1_500_000
    with Image.open(path) as film:
        for frame in range(film.n_frames):
            film.seek(frame)
            film.load()
            milliseconds.append(film.info["duration"])
    assert len(milliseconds) > 20 and 8_000 <= sum(milliseconds) <= 12_000


def test_readme_names_every_notebook():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    total = 0
    for path in notebooks():
        if path.parent.name == "notebooks":
            first = read(path).cells[0].source
            minutes = re.search(r"\*\*Time\*\*: about (\d+) minutes", first)
            assert minutes, f"{readable(path)}: the first cell should say '**Time**: about 20 minutes', or so"
            wanted = rf"\({readable(path)}\) \|.*\| {minutes[1]} \|"
            assert re.search(wanted, text), f"README's table lacks a row for {readable(path)} with {minutes[1]} minutes"
            total += int(minutes[1])
    assert f"About {round(total / 60)} hours with all exercises" in text


PAGES = [ROOT / "README.md", *sorted((ROOT / "notebooks").glob("*.md")), ROOT / "rnn_lib" / "datasets" / "README.md"]


def page_problems(path, text):
    """What is wrong with a page's links and images. ../../issues leads within GitHub, in whatever account it lies."""
    text = re.sub(r"`[^`\n]*`", "", FENCED.sub("", text))
    yield from (problem for problem in dead_links(text, path, text) if " ../../" not in problem)
    for tag in re.findall(r"!\[[^\]]*\]\([^)\s]+\)|<img\b[^>]*>|<source\b[^>]*>", text):
        markdown = re.match(r"!\[([^\]]*)\]\(([^)]+)\)", tag)
        said = dict(re.findall(r"(\w+)=\"([^\"]*)\"", tag))
        alt, target = markdown.groups() if markdown else (said.get("alt", ""), said.get("src", said.get("srcset", "")))
        if not (path.parent / target).is_file():
            yield f"there is no image {target}"
        if len(alt.split()) < 4 and not tag.startswith("<source"):  # of which the img beside it says what is seen
            yield f"the alt text {alt!r} of {target} does not say what is seen"


@pytest.mark.parametrize("path", PAGES, ids=readable)
def test_links_and_images_of_a_page_lead_somewhere(path):
    problems = list(page_problems(path, path.read_text(encoding="utf-8")))
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize(("text", "words"), [
    ("[a](gone.md)", "gone.md leads nowhere"), ("[a](README.md#Gone)", "no heading"), ("![a](images/tape.svg)", "'a'"),
    ("![a b c d](gone.svg)", "no image gone.svg"), ('<img src="gone.png" alt="a b c d">', "no image gone.png"),
    ('<source srcset="gone.webp">', "no image gone.webp"), ('<img src="images/tape.svg">', "''"),
    ("[a](../../issues) [b](README.md#Changing-it) `[c](gone)` ![a b c d](images/tape.svg)", None),
])
def test_what_is_wrong_with_a_page_is_seen(text, words):
    problems = list(page_problems(ROOT / "page.md", text))
    assert not problems if words is None else len(problems) == 1 and words in problems[0]


@pytest.mark.skipif(not shutil.which("git"), reason="no git here")
def test_a_copy_without_a_commit_has_its_turn_too(tmp_path, monkeypatch):
    monkeypatch.setattr(machine_matrix, "ROOT", tmp_path)
    assert machine_matrix.turn.__wrapped__() == 0  # no repository
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    assert machine_matrix.turn.__wrapped__() == 0  # one in which nothing was committed yet
