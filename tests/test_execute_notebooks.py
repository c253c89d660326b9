"""tests/execute_notebooks.py: what it writes, what it refuses to write, and that nbval agrees with it."""

import json
import os
import re
import runpy
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import execute_notebooks
import nbformat
import nbval.plugin
import pytest
from jupyter_client.connect import LocalPortCache
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, RunningKernel

SOURCES = [
    "print('one', flush=True)\nprint('two')\nfrom rnn_lib.ground import waiting",
    "1 + 1;",
    "from rnn_lib.plots.style import new_figure\nfrom rnn_lib.plots import say\n"
    "say(new_figure()[0], 'A pair of axes, $W_{hh}$ on neither')",
    "import ipywidgets as widgets\nslider = widgets.IntSlider(description='hidden size')\nslider",
    "from rnn_lib.ground.report import Report\nReport('correct', 'π < 4', (('a', 'b'), ('1', '2')))",
    "waiting.BAR_AFTER = -1\nfor epoch in waiting.progress(range(3), verbose=True):\n    print(epoch)",
    "import os\nos.path.basename(os.getcwd())",
    "import os\nos.path.basename(os.getcwd())",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nsay(plt.gcf(), 'A line of pyplot rises to 2')\nplt.show()",
]


KEPT = {"nbgrader": {"grade": True, "grade_id": "step"}, "slideshow": {"slide_type": "slide"}, "tags": ["mine"]}


def write_notebook(path, sources):
    """Write a notebook as an editor might: no outputs, other metadata, an empty cell at the end."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# π\n\n")])
    notebook.cells += [nbformat.v4.new_code_cell(source + "\n") for source in [*sources, ""]]
    notebook.cells[1].metadata = KEPT | {"execution": {"iopub.execute_input": "2020-01-01"}, "trusted": True}
    notebook.cells[0].metadata = {"tags": ["mine"], "collapsed": True}
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
    assert [cell["metadata"] for cell in cells] == [{"tags": ["mine"]}, KEPT] + [{}] * (len(SOURCES) - 1)
    assert cells[8]["id"] == cells[7]["id"] + "-2"
    assert cells[1]["outputs"] == [{"name": "stdout", "output_type": "stream", "text": ["one\n", "two\n"]}]
    assert cells[2]["outputs"][0]["data"] == {"text/plain": ["2"]}
    for cell, sentence in ((cells[3], "A pair of axes, W_hh on neither"), (cells[9], "A line of pyplot rises to 2")):
        (output,) = cell["outputs"]
        assert output["data"].keys() == {"image/png", "text/plain"} and output["data"]["text/plain"] == [sentence]
        assert output["metadata"] == {"image/png": {"alt": sentence}}
    assert list(cells[4]["outputs"][0]["data"]) == ["text/plain"]
    assert {"text/html", "text/plain"} == set(cells[5]["outputs"][0]["data"])
    assert cells[6]["outputs"] == [{"name": "stdout", "output_type": "stream", "text": ["0\n", "1\n", "2\n"]}]
    assert cells[7]["outputs"][0]["data"]["text/plain"][0].startswith("'lessons")
    assert cells[7]["outputs"][0]["execution_count"] == 7


BAR = """from rnn_lib.ground import waiting
waiting.BAR_AFTER = -1
for epoch in waiting.progress(range(3), verbose=True):
    pass"""
SETTINGS = "import numpy as np\nprint(np.array([1 / 3]))"


FIGURE = SOURCES[2]
PRECISION = "import numpy as np\nnp.set_printoptions(precision=3)"
SVG = "c = get_config()\nc.InlineBackend.figure_formats = {'svg'}\nc.InlineBackend.rc = {'figure.dpi': 200}"
ODD = {  # settings that a user may have: (the file, what stands in it, the variable that names it or its folder)
    "print options": ("profile_default/startup/mine.py", PRECISION, "IPYTHONDIR"),
    "figure format and dpi": ("profile_default/ipython_kernel_config.py", SVG, "IPYTHONDIR"),
    "a Matplotlib style": ("matplotlibrc", "xtick.labelsize: 20", "MATPLOTLIBRC"),
    "a start-up file of Python": ("startup.py", PRECISION, "PYTHONSTARTUP"),
}


def write_odd_settings(folder, names):
    """Write these settings into the folder; returns the variables that lead to them."""
    environment = {}
    for file, content, variable in (ODD[name] for name in names):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_text(content)
        environment[variable] = str(folder if variable == "IPYTHONDIR" else folder / file)
    return environment


def what_a_kernel_shows(*sources):
    """The output of each cell in a fresh kernel, as this process's environment makes it."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    execute_notebooks.execute(notebook, execute_notebooks.ROOT, 60)
    return [cell.outputs[0].get("text") or cell.outputs[0].data for cell in notebook.cells]


PAIRS = [("print options", "figure format and dpi"), ("a start-up file of Python", "a Matplotlib style")]


@pytest.mark.parametrize("odd", [*PAIRS, tuple(ODD)], ids=" and ".join)
def test_settings_of_the_user_change_what_a_kernel_shows_only_without_the_switch(odd, executed, tmp_path, monkeypatch):
    """And the picture is the same to the last pixel, which nbval does not compare."""
    for variable, value in write_odd_settings(tmp_path, odd).items():
        monkeypatch.setenv(variable, value)
    page = json.loads(executed[1])["cells"]
    figure = {kind: "".join(content) for kind, content in page[1 + SOURCES.index(FIGURE)]["outputs"][0]["data"].items()}
    if odd == tuple(ODD):
        execute_notebooks.set_kernel_environment()
        assert what_a_kernel_shows(SETTINGS, FIGURE) == ["[0.33333333]\n", figure]
    else:  # of each pair the first shows in numbers alone, the second in figures alone
        numbers, shown = what_a_kernel_shows(SETTINGS, FIGURE)
        assert numbers == "[0.333]\n"
        assert shown != figure and ("image/svg+xml" in shown) == ("figure format and dpi" in odd)


def test_nbval_agrees_with_what_is_written_and_hears_no_settings_of_the_user(executed, tmp_path):
    """A changed digit and a progress bar are seen; the bar, odd settings and the home of the user never come in."""
    path, first = executed
    folder = tmp_path / path.parent.name  # the sample prints it
    folder.mkdir()
    (folder / "sample.ipynb").write_bytes(first)
    right, wrong = (nbformat.v4.new_output("stream", text=f"[0.3333333{digit}]\n") for digit in "34")
    with_bar = f"import os\ndel os.environ['TQDM_DISABLE']\n{BAR}"
    cases = (SETTINGS, [right]), (SETTINGS, [wrong]), (BAR, []), (with_bar, [])
    cells = [nbformat.v4.new_code_cell(source, execution_count=n, outputs=outputs)
             for n, (source, outputs) in enumerate(cases, start=1)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "cases.ipynb")
    home = tmp_path / "home"
    home.write_text("a file: nobody can make a folder in it")
    shutil.copy(execute_notebooks.ROOT / "notebooks" / "conftest.py", folder)

    environment = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "MPL", "TQDM"))}
    environment |= {"PYTHONPATH": str(execute_notebooks.ROOT / "tests"), **write_odd_settings(tmp_path / "odd", ODD)}
    environment |= dict.fromkeys(("HOME", "USERPROFILE"), str(home))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
    command += ["-p", "no:randomly", "--color=no", "-p", "rnn_lib.grade", "--nbval", "--nbval-current-env", "."]
    result = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240)
    failed = re.findall(r"^FAILED (\w+)\.ipynb::Cell (\d+)", result.stdout, re.MULTILINE)
    assert sorted(failed) == [("cases", "1"), ("cases", "3")], result.stdout + result.stderr
    assert f"2 failed, {len(SOURCES) + 2} passed" in result.stdout and "Cell outputs differ" in result.stdout


@pytest.fixture(scope="module")
def kernel():
    kernel = execute_notebooks.PatientKernel(CURRENT_ENV_KERNEL_NAME)
    yield kernel
    kernel.stop()


@pytest.mark.parametrize(("source", "words"), [
    ("1 / 0", "raised ZeroDivisionError: division by zero"),
    ("import sys\nprint('careful', file=sys.stderr)", "wrote to stderr:\ncareful"),
    ("import warnings\nwarnings.warn('old')", "wrote to stderr"),
    ("from IPython.display import clear_output\nclear_output()", "sent clear_output"),
])
def test_a_bad_cell_is_refused(source, words, kernel):
    with pytest.raises(execute_notebooks.CellError, match=words):
        execute_notebooks.run_cell(kernel, source, 60)


def test_a_kernel_that_dies_is_noticed_at_once():
    kernel = execute_notebooks.PatientKernel(CURRENT_ENV_KERNEL_NAME)
    message_id, started = kernel.execute_cell_input("import os\nos._exit(1)", allow_stdin=False), time.monotonic()
    with pytest.raises(execute_notebooks.KernelError, match="ended its kernel"):
        kernel.await_reply(message_id, timeout=60)  # as nbval waits
    assert time.monotonic() - started < 20
    kernel.kc.stop_channels()


def test_a_cell_that_takes_too_long_is_refused(kernel):
    with pytest.raises(execute_notebooks.KernelError, match="did not end within 0.5 s"):
        execute_notebooks.run_cell(kernel, "import time\ntime.sleep(1.5)", 0.5)


def test_a_bad_cell_is_reported_and_the_file_left_as_it_was(tmp_path, capsys):
    path = write_notebook(tmp_path / "bad.ipynb", ["print(1)", "x = 1\nx / 0"])
    before = path.read_bytes()
    assert execute_notebooks.main([str(path)]) == 1
    assert path.read_bytes() == before
    report = capsys.readouterr().err
    assert "bad.ipynb: left as it was, because code cell 2 raised ZeroDivisionError" in report
    assert report.endswith("\n    x = 1\n    x / 0\n")
    assert list(tmp_path.iterdir()) == [path]


def test_a_kernel_that_dies_once_gets_a_second_chance(tmp_path, monkeypatch, capsys):
    source = "import os, pathlib\nmark = pathlib.Path('mark')\nif not mark.exists():\n    mark.touch()\n    os._exit(1)"
    path = write_notebook(tmp_path / "shaky.ipynb", [source])
    before = path.read_bytes()
    with monkeypatch.context() as once:
        once.setattr(execute_notebooks, "ATTEMPTS", 1)
        assert execute_notebooks.main([str(path)]) == 1
    assert "code cell 1 ended its kernel" in capsys.readouterr().err and path.read_bytes() == before
    (tmp_path / "mark").unlink()
    assert execute_notebooks.main([str(path)]) == 0


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
    assert "broken.ipynb is no notebook: " in report and "gone.ipynb: left as it was" in report
    assert re.search(r"line [34]\b", report)  # from Python 3.13 on, a comma too many has the line of the comma


def test_a_kernel_is_started_anew_where_a_port_was_taken(monkeypatch):
    """Jupyter finds a port free that, when its next kernel wants it, is taken: nbval's own kernel gives up."""
    monkeypatch.setattr(nbval.plugin, "RunningKernel", None)
    runpy.run_path(str(execute_notebooks.ROOT / "notebooks" / "conftest.py"))
    start, find_port, starts = RunningKernel.__init__, LocalPortCache.find_available_port, []
    monkeypatch.setattr(RunningKernel, "__init__", lambda *given, **more: starts.append(1) or start(*given, **more))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = iter([taken.getsockname()[1]])
        monkeypatch.setattr(LocalPortCache, "find_available_port", lambda *to: next(ports, None) or find_port(*to))
        kernel = nbval.plugin.RunningKernel(CURRENT_ENV_KERNEL_NAME)
    assert len(starts) == 2 and kernel.is_alive()
    kernel.stop()


def test_cells_keep_their_order_where_a_plugin_shuffles_the_tests():
    """Each is run by itself, and needs what those before it have made."""
    cells = [object.__new__(nbval.plugin.IPyNbCell) for _ in range(6)]
    for i, cell in enumerate(cells):
        cell.path, cell.cell_num = Path(f"{i // 3}.ipynb"), i % 3
    items = [cells[4], "a test", cells[2], cells[0], cells[5], "another", cells[1], cells[3]]
    runpy.run_path(str(execute_notebooks.ROOT / "notebooks" / "conftest.py"))["pytest_collection_modifyitems"](items)
    assert items == [cells[0], "a test", *cells[1:4], "another", *cells[4:]]
