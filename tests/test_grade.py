"""`python -m rnn_lib.grade`: every notebook gets its rows, whatever it does, and spoils no other's."""

import contextlib
import csv
import shutil
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpec
from nbformat.v4 import new_code_cell, new_notebook

from rnn_lib import exercises
from rnn_lib.exercises.course import EXERCISES
from rnn_lib.grade import run
from rnn_lib.grade.__main__ import main
from rnn_lib.grade.run import calls_of_checks, collect
from rnn_lib.grade.table import MAX_MESSAGE, Row, summary, write_csv, write_html

ROOT = Path(__file__).resolve().parent.parent
LESSONS = sorted(path for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb") if path.stem in EXERCISES)

CHECKED = {name for name in exercises.__all__ if name.startswith("check_")} - {"check_trial"}  # which is 00's example
HEAD = "import time\nimport numpy as np\nfrom rnn_lib import exercises"
PARAMS = """def count_params(I, H, O):
    return H * I + H * H + H + O * H + O
"""
MAJOR = """def time_major(X):
    return np.swapaxes(X, 0, 1)
"""
CHECKS = {name: f"exercises.check_{name}({name})" for name in ("shapes", "count_params", "time_major")}
STUBBORN = """import signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
while True: time.sleep(0.1)
"""
WRONG = "def count_params(I, H, O):\n    return H * I + H + O * H + O\n"
UNTOUCHED = [f"untouched/{path.name}" for path in LESSONS if path.name[:2] in ("01", "03")]
FAKE = "def check_count_params(answer):\n    print('Correct')\n"

# {file: (cells, {exercise: kind})}; None stands for all the others: as a rule the notebook does not have them
NOTEBOOKS = {
    "renamed/homework.ipynb": (
        [HEAD + "\nfrom my_helper import add", "shapes = ...", CHECKS["shapes"],
         "def count_params(I, H, O):\n    return add(H * I + H * H + H, O * H + O)", CHECKS["count_params"], MAJOR],
        {"shapes": "not_started", "count_params": "correct", "time_major": "correct"}),
    "failing/02_shapes.ipynb": (
        [HEAD, "input()", "while True: time.sleep(0.1)", "while True: print('x' * 10000); time.sleep(0.001)",
         "hoard = bytearray(10**12)", "def count_params(I H, O):\n    return 1", CHECKS["count_params"], MAJOR,
         CHECKS["time_major"]], {"time_major": "correct"}),
    "stubborn/02_shapes.ipynb": (
        [HEAD, PARAMS, CHECKS["count_params"], STUBBORN, MAJOR], {"count_params": "correct", None: "too_slow"}),
    "killed/02_shapes.ipynb": (
        [HEAD, PARAMS, CHECKS["count_params"], "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", MAJOR],
        {"count_params": "correct", None: "crashed"}),
    "exit/02_shapes.ipynb": (
        [HEAD, PARAMS, CHECKS["count_params"], "exit()", MAJOR], {"count_params": "correct", None: "crashed"}),
    "patched/02_shapes.ipynb": (  # and a fake library and a fake module lie in its folder
        [HEAD, "from rnn_lib.ground.report import Report\n"
         "exercises.check_count_params = exercises.check_time_major = lambda answer: Report('correct', '')",
         WRONG, CHECKS["count_params"], MAJOR, CHECKS["time_major"]],
        {"count_params": "W_hh_missing", "time_major": "correct"}),
    "edited/02_shapes.ipynb": (
        [HEAD, WRONG, "print('Correct!')", "shapes = {str(i): 1 for i in range(200_000)}"],
        {"count_params": "W_hh_missing", "shapes": "wrong_keys"}),
    "answers/02_shapes.ipynb": (
        [HEAD, "shapes = (i for i in [1])", "def count_params(I, H, O):\n    while True: time.sleep(0.1)",
         "def time_major(X):\n    exercises.check_careful_mse = np.mean = None\n    return X",
         "def step_columns(*arrays):\n    import os\n    os._exit(0)",
         "def careful_mse(Y, target):\n    return ((Y - target) ** 2).mean()"],
        {"shapes": "cannot_be_taken", "count_params": "too_slow", "time_major": "unchanged",
         "step_columns": "crashed", "careful_mse": "broadcasts"}),
}


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """Return {file: {exercise: Row}} of a class of hostile, broken and honest notebooks, and the folder."""
    folder = tmp_path_factory.mktemp("class")
    for name, (cells, _) in NOTEBOOKS.items():
        (folder / name).parent.mkdir()
        nbformat.write(new_notebook(cells=[new_code_cell(cell) for cell in cells]), folder / name)
    (folder / "untouched").mkdir()
    for name in UNTOUCHED:
        shutil.copy(ROOT / "notebooks" / Path(name).name, folder / name)
    (folder / "patched" / "rnn_lib").mkdir()
    (folder / "patched" / "rnn_lib" / "__init__.py").touch()
    (folder / "patched" / "rnn_lib" / "exercises.py").write_text(FAKE)
    (folder / "patched" / "exercises.py").write_text(FAKE)
    (folder / "renamed" / "my_helper.py").write_text("def add(a, b):\n    return a + b\n")
    (folder / "broken.ipynb").write_text('{"cells": [')
    nbformat.write(new_notebook(cells=[new_code_cell("1 + 1")]), folder / "diary.ipynb")
    (folder / ".ipynb_checkpoints").mkdir()
    (folder / ".ipynb_checkpoints" / "02_shapes.ipynb").write_text("")
    command = [sys.executable, "-m", "rnn_lib.grade", folder, "--out", folder / "grades.csv", "--cell-seconds", "8",
               "--notebook-seconds", "40", "--answer-seconds", "10", "--jobs", "3"]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    assert answer.returncode == 0, answer.stderr
    rows = {}
    with open(folder / "grades.csv", newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["learner"], {})[row["exercise"]] = row
    return rows, folder, answer.stdout


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_notebook_gets_its_rows(graded, name):
    rows, _, _ = graded
    kinds = {exercise: row["kind"] for exercise, row in rows[name].items()}
    expected = NOTEBOOKS[name][1]
    names = [check.removeprefix("check_") for check in EXERCISES["02_shapes"]]
    assert kinds == {exercise: expected.get(exercise, expected.get(None, "missing")) for exercise in names}
    assert all((row["passed"] == "True") == (row["kind"] == "correct") for row in rows[name].values())


@pytest.mark.parametrize("name", UNTOUCHED)
def test_an_untouched_notebook_is_not_started(graded, name):
    rows, _, _ = graded
    kinds = {f"check_{exercise}": row["kind"] for exercise, row in rows[name].items()}
    assert kinds == dict.fromkeys(EXERCISES[Path(name).stem], "not_started")


def test_a_notebook_that_takes_too_long_is_ended(tmp_path):
    nbformat.write(new_notebook(cells=[new_code_cell("import time\ntime.sleep(600)")]), tmp_path / "02_shapes.ipynb")
    started = time.monotonic()
    problems = collect(tmp_path / "02_shapes.ipynb", tmp_path, {"check_shapes": "shapes"}, cell_seconds=600, seconds=3,
                       megabytes=4096)
    assert problems == {"check_shapes": ("too_slow", "the notebook took longer than 3 s, before this exercise.")}
    assert time.monotonic() - started < 30


def test_what_is_no_lesson_gets_a_row_too(graded):
    rows, folder, _ = graded
    assert rows["broken.ipynb"][""]["kind"] == "no_notebook"
    assert rows["diary.ipynb"][""]["kind"] == "unknown_notebook"
    assert set(rows) == {*NOTEBOOKS, *UNTOUCHED, "broken.ipynb", "diary.ipynb"}


def test_messages_say_what_happened_and_are_cut(graded):
    rows, _, _ = graded
    assert "SyntaxError" in rows["failing/02_shapes.ipynb"]["count_params"]["message"]
    assert "code cell 4" in rows["killed/02_shapes.ipynb"]["time_major"]["message"]
    assert "went on when it was interrupted" in rows["stubborn/02_shapes.ipynb"]["time_major"]["message"]
    assert len(rows["edited/02_shapes.ipynb"]["shapes"]["message"]) == MAX_MESSAGE


def test_the_page_and_the_summary(graded):
    rows, folder, text = graded
    page = (folder / "grades.html").read_text(encoding="utf-8")
    assert page.count("<tr>") == len(rows) + 1 and "time_major: Correct (correct)" in page
    assert "renamed/homework.ipynb" in text and "Most often:" in text


def test_the_page_escapes_what_learners_write(tmp_path):
    rows = [Row("<b>a</b>", "step", False, "unknown", "<script>alert(1)</script>\nand more")]
    write_html(tmp_path / "page.html", rows)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script>" not in page and "<b>" not in page
    write_csv(tmp_path / "page.csv", rows)
    assert (tmp_path / "page.csv").read_text().splitlines()[1].endswith("<script>alert(1)</script> and more")
    assert "<b>a</b>  0 of 1  step: unknown" in summary(rows)


@pytest.mark.parametrize(("arguments", "words"), [
    (["nowhere"], "expected a folder with notebooks, got nowhere"),
    (["."], "expected notebooks (*.ipynb), got none"),
    ([".", "--jobs", "0"], "invalid whole value"),
    ([".", "--jobs", "0.5"], "invalid whole value"), ([".", "--jobs", "inf"], "invalid whole value"),
    ([".", "--megabytes", "0.5"], "invalid whole value"), ([".", "--cell-seconds", "nan"], "invalid positive value"),
    ([".", "--out", "nowhere/grades.csv"], "--out: expected a file in a folder that exists"),
    ([".", "--out", "."], "--out: expected a file in a folder that exists, got ."),
    ([".", "--out", "grades.html"], "--out: expected another ending than .html, which the page beside it has"),
])
def test_bad_arguments(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2 and words in capsys.readouterr().err


def sources(path):
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


SOLUTIONS = [path for path in (ROOT / "notebooks" / "solutions").glob("*.ipynb") if path.stem in EXERCISES]  # if any


@pytest.mark.parametrize("path", [*LESSONS, *sorted(SOLUTIONS)], ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_table_of_exercises_is_that_of_the_notebooks(path):
    calls = {}
    for source in sources(path) if EXERCISES[path.stem] else []:
        calls |= calls_of_checks(source, CHECKED)
    assert calls == EXERCISES[path.stem]


def test_every_check_belongs_to_a_notebook():
    checks = {check for table in EXERCISES.values() for check in table}
    assert checks == CHECKED


def test_calls_of_checks():
    checks = {"check_step", "check_forward"}
    found = calls_of_checks("exercises.check_step(step)\nprint(check_forward(a.b))\ncheck_other(1)", checks)
    assert found == {"check_step": "step", "check_forward": "a.b"}
    assert calls_of_checks("%matplotlib inline\nexercises.check_step(step)", checks) == {}


@pytest.mark.parametrize("failures", [run.TRIES - 1, run.TRIES])
def test_a_kernel_that_does_not_start_is_started_again(failures, monkeypatch, tmp_path):
    """As where another process takes the port that was free a moment before."""
    specs = []

    def dead_at_first(argv, **settings):
        specs.append(argv)
        return KernelSpec(argv=argv if len(specs) > failures else [sys.executable, "-c", "pass"], **settings)

    monkeypatch.setattr(run, "KernelSpec", dead_at_first)
    gives_up = pytest.raises(RuntimeError, match="Kernel died") if failures == run.TRIES else contextlib.nullcontext()
    with contextlib.ExitStack() as until, gives_up:
        client = run.start(tmp_path / "02_shapes.ipynb", 8, until)
        client.execute_cell(new_code_cell("1 + 1"), 0)  # it answers
    assert len(specs) == run.TRIES


def test_what_a_learner_wrote_is_no_formula_in_a_spreadsheet(tmp_path):
    names = ["=HYPERLINK(1)/02.ipynb", "+1.ipynb", "-1.ipynb", "@a.ipynb", "a=b.ipynb"]
    write_csv(tmp_path / "grades.csv", [Row(name, "shapes", False, "missing", f"{name}, said") for name in names])
    with open(tmp_path / "grades.csv", newline="", encoding="utf-8") as file:
        found = [(row["learner"], row["message"]) for row in csv.DictReader(file)]
    assert found == [(f"'{name}", f"'{name}, said") for name in names[:4]] + [(names[4], f"{names[4]}, said")]
