"""What notebook 00 says of an installation, right and wrong."""

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from execute_notebooks import ROOT
from test_notebooks import FIRST_LINE

from rnn_lib.ground import installation
from rnn_lib.ground.installation import check_installation


@pytest.fixture
def lines(capsys, monkeypatch):
    """Return a function that checks the installation as a notebook does; it returns the lines printed."""
    monkeypatch.chdir(ROOT / "notebooks")

    def lines():
        check_installation()
        return capsys.readouterr().out.splitlines()

    return lines


@pytest.fixture
def course(monkeypatch, tmp_path):
    """Return a function that makes a course of its own whose pyproject.toml asks for these packages."""

    def course(*dependencies):
        project = f'[project]\nrequires-python = ">=3.11"\ndependencies = {json.dumps(dependencies)}\n'
        (tmp_path / "pyproject.toml").write_text(project)
        monkeypatch.setattr(installation, "COURSE", tmp_path)

    return course


def test_this_installation_is_complete(lines):
    shown = lines()
    assert all(line.endswith(": yes") for line in shown)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    packages = [need.partition(">=")[0] for need in project["dependencies"]]
    assert [line.split()[0] for line in shown] == ["rnn_lib", "Python", *packages]


def test_a_version_that_is_too_old_is_named(lines, course, monkeypatch):
    monkeypatch.setattr(installation, "version", {"numpy": "1.26.4", "tqdm": "4.66.2"}.get)
    course("numpy>=2.0", "tqdm>=4.66.3")
    monkeypatch.setattr(installation.sys, "version", "3.10.13 (main)")
    assert lines()[1:] == [
        "Python 3.11 or newer: no, it is 3.10.13",
        "numpy 2.0 or newer: no, it is 1.26.4", "tqdm 4.66.3 or newer: no, it is 4.66.2",
    ]


def test_a_package_is_asked_for_that_an_older_installation_does_not_know_of(lines, course):
    course("numpy>=2.0", "not_there>=1.0")
    assert lines()[-1] == "not_there 1.0 or newer: no, it is missing"


@pytest.mark.parametrize("file", ["hidden.py", "hidden/__init__.py"])
def test_a_file_that_hides_a_package_is_named(file, lines, course, monkeypatch, tmp_path):
    (tmp_path / "hidden").mkdir()
    (tmp_path / file).write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    course("hidden>=1.0")
    shown = lines()
    name = file.split("/")[0]
    assert shown[-1] == f"hidden 1.0 or newer: no, hidden by something of yours: give {name} another name"
    assert shown[0] == "rnn_lib of this folder: yes"


def test_a_copy_of_the_package_elsewhere_is_named(lines, monkeypatch, tmp_path):
    monkeypatch.setattr(installation, "COURSE", tmp_path)
    assert lines() == [f"rnn_lib of this folder: no, it is the one in {tmp_path}"]


def test_beside_notebooks_alone_any_rnn_lib_is_right(lines, monkeypatch, tmp_path):
    (tmp_path / "content").mkdir()
    (tmp_path / "site-packages").mkdir()
    monkeypatch.chdir(tmp_path / "content")
    monkeypatch.setattr(installation, "COURSE", tmp_path / "site-packages")
    assert lines() == ["rnn_lib of this folder: yes"]


def run_uninstalled(code, folder):
    """Run code in a folder of the course, by a Python that has NumPy, but not the course."""
    packages = str(Path(np.__file__).parents[1])  # a path named so brings no editable installation with it
    return subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT / folder, capture_output=True, text=True,
                          env=os.environ | {"PYTHONPATH": packages})


@pytest.mark.parametrize("folder", ["notebooks", "notebooks/solutions"])
def test_a_clone_needs_no_installation(folder):
    code = "import rnn_lib; print(rnn_lib.__file__)"
    without, with_line = run_uninstalled(code, folder), run_uninstalled(f"{FIRST_LINE}\n{code}", folder)
    assert without.stderr.endswith("ModuleNotFoundError: No module named 'rnn_lib'\n")
    assert Path(ROOT / folder, with_line.stdout.strip()).resolve() == ROOT / "rnn_lib" / "__init__.py", with_line.stderr


def test_an_old_python_is_named(monkeypatch):
    source = (ROOT / "rnn_lib" / "__init__.py").read_text(encoding="utf-8")
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    monkeypatch.setattr(sys, "version", "3.10.13 (main)")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    oldest = project["requires-python"].removeprefix(">=")
    with pytest.raises(ImportError, match=f"^rnn_lib needs Python {oldest} or newer, and this is 3.10.13$"):
        exec(source, {"__name__": "rnn_lib"})
