"""tests/execute_notebooks.py: what it writes, what it refuses to write, and that nbval agrees with it."""

import json
import runpy
import socket
import subprocess
import sys

import execute_notebooks
import nbformat
import nbval.plugin
import pytest
from jupyter_client.connect import LocalPortCache
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, RunningKernel

SOURCES = [
    "print('one', flush=True)\nprint('two')\nfrom rnn_lib import training",
    "1 + 1;",
    "from rnn_lib.plots.style import new_figure\nfigure, axis = new_figure()\nfigure",
    "import ipywidgets as widgets\nslider = widgets.IntSlider(description='hidden size')\nslider",
    "from rnn_lib.report import Report\nReport('correct', 'π < 4', (('a', 'b'), ('1', '2')))",
    "training.BAR_AFTER = 0\nfor epoch in training.progress(range(3), verbose=True):\n    print(epoch)",
    "import os\nos.path.basename(os.getcwd())",
    "import os\nos.path.basename(os.getcwd())",
]


def write_notebook(path, sources):
    """Write a notebook as an editor might: no outputs, other metadata, an empty cell at the end."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# π\n\n")])
    notebook.cells += [nbformat.v4.new_code_cell(source + "\n") for source in [*sources, ""]]
    notebook.cells[1].metadata = {"tags": ["mine"], "execution": {"iopub.execute_input": "2020-01-01"}}
    notebook.metadata = {"jupytext": {"formats": "ipynb,py"}, "kernelspec": {"name": "other", "display_name": "Other"}}
    nbformat.write(notebook, path)
    return path


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """A notebook after the command, and its text after the command was run once more."""
    path = write_notebook(tmp_path_factory.mktemp("lessons") / "sample.ipynb", SOURCES)
    assert execute_notebooks.main([str(path)]) == 0
    first = path.read_bytes()
    assert execute_notebooks.main([str(path)]) == 0
    return path, first


def test_executing_twice_gives_the_same_bytes(executed):
    path, first = executed
    assert path.read_bytes() == first
    assert execute_notebooks.main([str(path), "--no-run"]) == 0
    assert path.read_bytes() == first


def test_what_is_written(executed):
    path, _ = executed
    text = path.read_bytes().decode("utf-8")
    notebook = json.loads(text)
    cells = notebook["cells"]
    assert notebook["metadata"] == execute_notebooks.METADATA
    assert text.endswith("}\n") and '\n "cells": [\n' in text and "# π" in text
    assert [cell.get("execution_count") for cell in cells] == [None, *range(1, len(SOURCES) + 1)]
    assert all(cell["metadata"] == {} for cell in cells)
    assert cells[8]["id"] == cells[7]["id"] + "-2"
    assert cells[1]["outputs"] == [{"name": "stdout", "output_type": "stream", "text": ["one\n", "two\n"]}]
    assert cells[2]["outputs"][0]["data"] == {"text/plain": ["2"]}
    assert "image/png" in cells[3]["outputs"][0]["data"]
    assert list(cells[4]["outputs"][0]["data"]) == ["text/plain"]
    assert {"text/html", "text/plain"} == set(cells[5]["outputs"][0]["data"])
    assert cells[6]["outputs"] == [{"name": "stdout", "output_type": "stream", "text": ["0\n", "1\n", "2\n"]}]
    assert cells[7]["outputs"][0]["data"]["text/plain"][0].startswith("'lessons")
    assert cells[7]["outputs"][0]["execution_count"] == 7


@pytest.fixture
def run_nbval(monkeypatch):
    """Return a function that runs nbval in a folder with the course's conftest.py, and `more` at its end."""
    monkeypatch.setenv("PYTHONPATH", str(execute_notebooks.ROOT / "tests"))

    def run(folder, *files, more=""):
        conftest = (execute_notebooks.ROOT / "notebooks" / "conftest.py").read_text()
        (folder / "conftest.py").write_text(conftest + more)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
        command += ["--color=no", "--nbval", "--nbval-current-env", *files]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)

    return run


def test_nbval_agrees_with_what_is_written_and_sees_a_changed_digit(executed, run_nbval):
    path, first = executed
    changed = path.with_name("changed.ipynb")
    changed.write_bytes(first.replace(b'"2"', b'"3"'))
    result = run_nbval(path.parent, path, changed)
    assert f"1 failed, {2 * len(SOURCES) - 1} passed" in result.stdout, result.stdout + result.stderr
    assert "changed.ipynb::Cell 1" in result.stdout and "Cell outputs differ" in result.stdout


@pytest.mark.parametrize(("source", "words"), [
    ("1 / 0", "code cell 2 raised ZeroDivisionError: division by zero"),
    ("import sys\nprint('careful', file=sys.stderr)", "code cell 2 wrote to stderr:\ncareful"),
    ("import warnings\nwarnings.warn('old')", "wrote to stderr"),
    ("from IPython.display import clear_output\nclear_output()", "sent clear_output"),
    ("import os\nos._exit(1)", "ended its kernel"),
    ("import time\ntime.sleep(60)", "did not end within 2 s"),
])
def test_a_bad_cell_is_reported_and_the_file_left_as_it_was(source, words, tmp_path, capsys):
    path = write_notebook(tmp_path / "bad.ipynb", ["print(1)", source])
    before = path.read_bytes()
    assert execute_notebooks.main([str(path), "--cell-timeout", "2"]) == 1
    assert path.read_bytes() == before
    report = capsys.readouterr().err
    assert "bad.ipynb: left as it was" in report and words in report and source.splitlines()[-1] in report
    assert list(tmp_path.iterdir()) == [path]


def test_a_changed_code_cell_has_to_run_again(executed, tmp_path, capsys):
    """Its old output would stay on the page, and nbval does not compare pictures."""
    _, first = executed
    path = tmp_path / "sample.ipynb"
    path.write_bytes(first.replace(b"1 + 1;", b"1 + 2;"))
    before = path.read_bytes()
    assert execute_notebooks.main([str(path), "--no-run"]) == 1
    assert "code cell 2 was changed after it ran: leave out --no-run" in capsys.readouterr().err
    assert path.read_bytes() == before
    path.write_bytes(first.replace(b"# \xcf\x80", b"# pi"))
    assert execute_notebooks.main([str(path), "--no-run"]) == 0


def test_a_file_that_cannot_be_read_is_named(tmp_path, capsys):
    broken = tmp_path / "broken.ipynb"
    broken.write_text('{\n "cells": [\n  1,\n ],\n}')
    assert execute_notebooks.main([str(broken), str(tmp_path / "gone.ipynb")]) == 2
    report = capsys.readouterr().err
    assert "broken.ipynb is no notebook: " in report and "line 4" in report and "gone.ipynb: left as it was" in report


def test_a_kernel_that_hangs_once_gets_a_second_chance(tmp_path):
    source = "import os, pathlib\nmark = pathlib.Path('mark')\nif not mark.exists():\n    mark.touch()\n    os._exit(1)"
    path = write_notebook(tmp_path / "shaky.ipynb", [source])
    assert execute_notebooks.main([str(path)]) == 0


SLOW = """from rnn_lib import training
training.BAR_AFTER = 0
for epoch in training.progress(range(3), verbose=True):
    pass"""


def test_no_progress_bar_where_outputs_are_compared(tmp_path, monkeypatch, run_nbval):
    """On a slow machine a bar appears, and would be an output that the committed notebook does not have."""
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(SLOW, execution_count=1)])
    nbformat.write(notebook, tmp_path / "slow.ipynb")
    assert run_nbval(tmp_path, more="\nimport os\ndel os.environ['TQDM_DISABLE']").returncode == 1, "the bar is seen"
    assert run_nbval(tmp_path).returncode == 0


@pytest.fixture
def a_port_is_taken(monkeypatch):
    """Jupyter finds a port free that, when its next kernel wants it, is taken."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports, find_port = iter([taken.getsockname()[1]]), LocalPortCache.find_available_port
        monkeypatch.setattr(LocalPortCache, "find_available_port", lambda *to: next(ports, None) or find_port(*to))
        yield


def test_nbvals_kernel_does_not_start_where_a_port_is_taken(a_port_is_taken):
    with pytest.raises(RuntimeError, match="Kernel (died|didn't respond)"):
        RunningKernel(CURRENT_ENV_KERNEL_NAME, startup_timeout=20)


def test_the_courses_kernel_is_started_anew_where_a_port_was_taken(a_port_is_taken, monkeypatch):
    monkeypatch.setattr(nbval.plugin, "RunningKernel", None)
    runpy.run_path(str(execute_notebooks.ROOT / "notebooks" / "conftest.py"))
    kernel = nbval.plugin.RunningKernel(CURRENT_ENV_KERNEL_NAME)
    assert kernel.is_alive()
    kernel.stop()
