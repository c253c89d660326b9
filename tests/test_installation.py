"""What notebook 00 says of an installation, right and wrong."""

import json
import tomllib

import pytest
from execute_notebooks import ROOT

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
