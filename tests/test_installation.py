"""What notebook 00 says of an installation, right and wrong."""

import tomllib
from importlib.metadata import PackageNotFoundError

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


def test_this_installation_is_complete(lines):
    shown = lines()
    assert all(line.endswith(": yes") for line in shown)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    packages = [need.partition(">=")[0] for need in project["dependencies"]]
    assert [line.split()[0] for line in shown] == ["rnn_lib", "Python", *packages]


def test_a_version_that_is_too_old_is_named(lines, monkeypatch):
    monkeypatch.setattr(installation, "version", {"numpy": "1.26.4", "tqdm": "4.66.2"}.get)
    needs = ["numpy>=2.0", "tqdm>=4.66.3", "ruff>=1; extra == 'dev'"]
    monkeypatch.setattr(installation, "requires", lambda name: needs)
    monkeypatch.setattr(installation.sys, "version", "3.10.13 (main)")
    assert lines()[1:] == [
        "Python 3.11 or newer: no, it is 3.10.13",
        "numpy 2.0 or newer: no, it is 1.26.4", "tqdm 4.66.3 or newer: no, it is 4.66.2",
    ]


def test_a_missing_package_is_named(lines, monkeypatch):
    monkeypatch.setattr(installation, "requires", lambda name: ["not_there>=1.0"])
    assert lines()[-1] == "not_there 1.0 or newer: no, it is missing"


@pytest.mark.parametrize("file", ["hidden.py", "hidden/__init__.py"])
def test_a_file_that_hides_a_package_is_named(file, lines, monkeypatch, tmp_path):
    (tmp_path / "hidden").mkdir()
    (tmp_path / file).write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(installation, "requires", lambda name: ["hidden>=1.0"])
    shown = lines()
    name = file.split("/")[0]
    assert shown[-1] == f"hidden 1.0 or newer: no, hidden by something of yours: give {name} another name"
    assert shown[0] == f"rnn_lib of this folder: no, it is the one in {ROOT}"


def test_a_course_that_was_not_installed_says_so(lines, monkeypatch):
    def metadata(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(installation, "metadata", metadata)
    assert lines() == ["rnn_lib of this folder: yes", "rnn_lib installed: no"]
