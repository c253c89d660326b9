"""Functions that need PyTorch, run in it or looked up: notebook 11 has the same outputs with PyTorch and without.

What PyTorch answered is stored in `rnn_lib/datasets/pytorch_answers.npz`. To store it anew, with PyTorch, after a
change of the notebook:

    python -m rnn_lib.ground.pytorch
"""

import inspect
import json
import linecache
from hashlib import sha256
from importlib import resources
from pathlib import Path

import numpy as np

__all__ = ["in_pytorch"]

FILE = resources.files("rnn_lib.datasets").joinpath("pytorch_answers.npz")
NOTEBOOK = Path(__file__).resolve().parents[2] / "notebooks" / "11_autograd_and_pytorch.ipynb"
recorded = None  # while answers are stored: {key: array}


def in_pytorch(function, *args):
    """Return what a function answers that imports and uses PyTorch: {name: array}.

    function  returns a dict of tensors, numbers or words
    args      NumPy arrays, dicts of them, numbers and words

    Where PyTorch is installed the function is called, on one thread; a stored answer to the same question must agree.
    Where it is not, the stored answer is returned. Raises TypeError if `function` is none, and ValueError if there is
    no stored answer to this question, or if it is not what PyTorch says.
    """
    if not inspect.isfunction(function):
        raise TypeError(f"function: expected a function, got {type(function).__name__}")
    key = "/".join([function.__name__, *(arg for arg in args if isinstance(arg, str))])
    source, numbers = sha256(inspect.getsource(function).strip().encode()).hexdigest(), fingerprint(args)
    stored = stored_answer(key, source, numbers)
    try:
        import torch
    except ImportError:
        if stored is None:
            raise ValueError(f"function: {key} or its arguments were changed since its answer was stored. To run it, "
                             "install PyTorch: type %pip install torch in a cell") from None
        return stored
    torch.set_num_threads(1)
    answer = {name: as_array(value) for name, value in function(*args).items()}
    if recorded is not None:
        recorded[f"{key}:source"], recorded[f"{key}:arguments"] = np.array(source), numbers
        recorded.update({f"{key}={name}": value for name, value in answer.items()})
    elif stored is not None and not agree(answer, stored):
        raise ValueError(f"function: PyTorch {torch.__version__} answers {key} differently from the stored answer")
    return answer


def as_array(value):
    """Return a tensor, a number or a word as an array."""
    return np.asarray(value.detach().numpy() if hasattr(value, "detach") else value)


def fingerprint(args):
    """Return one number for every array and number in `args`: equal arguments have equal ones, up to rounding."""
    flat = [value for arg in args for value in (arg.values() if isinstance(arg, dict) else [arg])]
    arrays = [np.ravel(value).astype(float) for value in flat if not isinstance(value, str)]
    return np.array([array @ np.cos(np.arange(array.size)) for array in arrays])


def stored_answer(key, source, numbers):
    """Return the stored answer of the function with this source to arguments with this fingerprint, or None."""
    if recorded is not None or not FILE.is_file():
        return None
    with resources.as_file(FILE) as path, np.load(path) as file:
        if f"{key}:source" not in file or file[f"{key}:source"] != source:
            return None
        asked = file[f"{key}:arguments"]
        if asked.shape != numbers.shape or not np.allclose(asked, numbers, rtol=1e-6, atol=1e-6):
            return None
        return {name.removeprefix(f"{key}="): file[name] for name in file.files if name.startswith(f"{key}=")}


def agree(answer, stored):
    """True if two answers are the same up to rounding."""
    return answer.keys() == stored.keys() and all(
        value.shape == stored[name].shape
        and (np.array_equal(value, stored[name]) if value.dtype.kind in "Ub" else
             np.allclose(value, stored[name], rtol=1e-4 if value.dtype == np.float32 else 1e-6, atol=1e-6))
        for name, value in answer.items()
    )


def record(notebook=NOTEBOOK, file=FILE):
    """Run the code cells of a notebook, and store what its functions answer in PyTorch."""
    global recorded
    recorded, names = {}, {"__name__": "__main__"}
    try:
        for number, cell in enumerate(json.loads(Path(notebook).read_text(encoding="utf-8"))["cells"]):
            if cell["cell_type"] == "code":
                source, name = "".join(cell["source"]), f"<cell {number}>"
                linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name  # for getsource
                exec(compile(source, name, "exec"), names)
        np.savez_compressed(str(file), **recorded)
    finally:
        recorded = None


if __name__ == "__main__":
    from rnn_lib.ground import pytorch  # the module that the notebook imports, not this script's own copy

    pytorch.record()
