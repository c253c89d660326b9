"""Notebook 11 with PyTorch and without: a function's answer is computed, or looked up, and nothing else."""

import inspect
import os
import subprocess
import sys
from importlib.util import find_spec
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from execute_notebooks import ROOT

from rnn_lib.ground import pytorch
from rnn_lib.ground.pytorch import in_pytorch

NOTEBOOK = ROOT / "notebooks" / "11_autograd_and_pytorch.ipynb"


def double(word, x):
    return {"twice": 2 * x, "word": word}


CELLS = [  # of a small notebook
    "from rnn_lib.ground.pytorch import in_pytorch\nimport numpy as np", inspect.getsource(double),
    "answers = [in_pytorch(double, 'one', np.ones(3)), in_pytorch(double, 'two', {'a': np.arange(3.0)}['a'])]",
]


@pytest.fixture
def file(tmp_path, monkeypatch):
    """An empty place for answers."""
    monkeypatch.setattr(pytorch, "FILE", tmp_path / "answers.npz")
    return tmp_path / "answers.npz"


@pytest.fixture
def with_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(set_num_threads=lambda n: None, __version__="0"))


def without_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # import torch raises ImportError


def store(tmp_path, file, cells=CELLS):
    """Record the answers of a notebook with these code cells."""
    cells = [nbformat.v4.new_code_cell(source) for source in cells]
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# A title"), *cells]),
                   tmp_path / "n.ipynb")
    pytorch.record(tmp_path / "n.ipynb", file)


def test_stored_answers_are_looked_up(file, with_torch, monkeypatch, tmp_path):
    store(tmp_path, file)
    without_torch(monkeypatch)
    for word, x in (("one", np.ones(3)), ("two", np.arange(3.0))):
        answer = in_pytorch(double, word, x)
        np.testing.assert_array_equal(answer["twice"], 2 * x)
        assert answer["word"] == word and answer.keys() == {"twice", "word"}
    assert in_pytorch(double, "one", np.ones(3) + 1e-9)["word"] == "one"  # as after training on another machine


def test_what_was_changed_is_not_looked_up(file, with_torch, monkeypatch, tmp_path):
    store(tmp_path, file)
    without_torch(monkeypatch)
    for word, x in (("three", np.ones(3)), ("one", np.ones(4)), ("one", np.array([1, 1, 1.01])), ("two", np.ones(3))):
        with pytest.raises(ValueError, match=f"function: double/{word} or its arguments were changed .*%pip install"):
            in_pytorch(double, word, x)

    def changed(word, x):
        return {"twice": 3 * x, "word": word}

    changed.__name__ = "double"
    with pytest.raises(ValueError, match="function: double/one or its arguments were changed"):
        in_pytorch(changed, "one", np.ones(3))


def test_with_pytorch_what_was_changed_is_computed(file, with_torch, tmp_path):
    store(tmp_path, file)
    np.testing.assert_array_equal(in_pytorch(double, "one", np.ones(4))["twice"], 2 * np.ones(4))


@pytest.mark.parametrize("name, value", [
    ("double/one=twice", np.full(3, 2.001)), ("double/one=twice", np.full(2, 2.0)),
    ("double/one=word", np.array("two")), ("double/one=more", np.ones(1)),
])
def test_pytorch_must_agree_with_what_is_stored(file, with_torch, tmp_path, name, value):
    store(tmp_path, file)
    with np.load(file) as stored:
        answers = dict(stored)
    in_pytorch(double, "one", np.ones(3))
    np.savez(file, **{**answers, name: value})
    with pytest.raises(ValueError, match="function: PyTorch 0 answers double/one differently from the stored answer"):
        in_pytorch(double, "one", np.ones(3))


def test_recording_begins_anew_and_ends(file, with_torch, tmp_path):
    store(tmp_path, file)
    with pytest.raises(ZeroDivisionError):
        store(tmp_path, file, [*CELLS, "1 / 0"])
    assert pytorch.recorded is None
    store(tmp_path, file, CELLS[:2])
    with np.load(file) as stored:
        assert stored.files == []


@pytest.mark.parametrize("function", [None, "double", np.tanh])
def test_only_functions_written_in_python(function):
    with pytest.raises(TypeError, match="^function: expected a function, got "):
        in_pytorch(function)


@pytest.mark.skipif(find_spec("torch") is None, reason="without PyTorch the notebook is tested as it is")
def test_notebook_11_without_pytorch(tmp_path):
    """Its outputs are the committed ones, too, where importing torch fails."""
    (tmp_path / "torch.py").write_text("raise ImportError('not here')\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-n0", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", NOTEBOOK]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True,
                            env=os.environ | {"PYTHONPATH": str(tmp_path)})
    assert result.returncode == 0, result.stdout + result.stderr
