"""Saving and loading: exact, atomic, and clear about files that are not ours."""

import io
import json
import os
import pickle
import stat
import subprocess
import sys
import textwrap
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest
from oracles import order_one

from rnn_lib import GRU, LSTM, MLP, RNN, MinGRU

MODELS = {
    "RNN": lambda: RNN(2, 3, 1, seed=7),
    "LSTM": lambda: LSTM(2, 3, 1, seed=7),
    "GRU, float32": lambda: GRU(2, 3, 1, seed=7, dtype=np.float32),
    "RNN, float32": lambda: RNN(2, 3, 1, seed=7, dtype=np.float32),
    "MinGRU": lambda: MinGRU(2, 3, 1, seed=7, lowest=-0.5),
    "MLP": lambda: MLP(2, (3, 4), 1, activation="tanh", seed=7),
    "MLP, float32": lambda: MLP(2, (3,), 1, dtype=np.float32),
}


def same(a, b):
    return a.params.keys() == b.params.keys() and all(
        a.params[name].dtype == b.params[name].dtype and np.array_equal(a.params[name], b.params[name])
        for name in a.params)


@pytest.fixture
def saved(tmp_path):
    """A saved model: (the model, its path)."""
    model, path = order_one(RNN(2, 3, 1)), tmp_path / "model.npz"
    model.save(path)
    return model, path


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS.keys())
@pytest.mark.parametrize("as_path", [str, lambda path: path], ids=["str", "Path"])
def test_round_trip_is_exact(make, as_path, tmp_path):
    model, path = order_one(make()), as_path(tmp_path / "model.npz")
    model.params[next(iter(model.params))].flat[0] = np.nextafter(np.ones(1, model.dtype), 2)[0]
    assert model.save(path) is None
    back = type(model).load(path)
    assert same(model, back) and type(back) is type(model)
    assert repr(back) == repr(model) and back.dtype == model.dtype
    X = np.ones((4, 3, 2))
    np.testing.assert_array_equal(back.forward(X), model.forward(X))


def test_the_file_has_the_name_given_and_nothing_else_is_left(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    RNN(1, 2, 1).save("weights")
    RNN(1, 3, 1).save("weights")
    assert os.listdir(tmp_path) == ["weights"]
    assert RNN.load("weights").hidden_size == 3


def test_it_is_written_beside_its_place(saved, monkeypatch):
    model, path = saved
    moved = []
    monkeypatch.setattr("os.replace", lambda *paths: moved.append([os.path.dirname(os.fspath(p)) for p in paths]))
    model.save(path)
    assert moved == [[str(path.parent)] * 2], "a move from another disk is a copy, which can break off in the middle"


def test_it_is_a_plain_npz_of_the_parameters(saved):
    model, path = saved
    with np.load(path, allow_pickle=False) as file:
        assert set(file.files) == {"model", *model.params}
        np.testing.assert_array_equal(file["W_hh"], model.params["W_hh"])
        assert json.loads(str(file["model"])) == {
            "class": "RNN", "dtype": "float64", "input_size": 2, "hidden_size": 3, "output_size": 1}


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_the_file_gets_the_permissions_of_any_new_file(saved, tmp_path):
    (tmp_path / "any").touch()
    assert stat.S_IMODE(saved[1].stat().st_mode) == stat.S_IMODE((tmp_path / "any").stat().st_mode)


# --- a save that fails ----------------------------------------------------------------------------------------------

def failing(error):
    def fail(*args, **kwargs):
        raise error
    return fail


@pytest.mark.parametrize("where, error", [
    ("numpy.savez", OSError(28, "No space left on device")),
    ("numpy.savez", KeyboardInterrupt()),
    ("os.fsync", OSError(5, "Input/output error")),
    ("os.replace", PermissionError(13, "Permission denied"))])
def test_a_failing_save_leaves_the_old_file_and_no_rubbish(saved, monkeypatch, where, error):
    model, path = saved
    before = path.read_bytes()
    monkeypatch.setattr(where, failing(error))
    with pytest.raises(type(error)):
        RNN(1, 1, 1).save(path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]
    assert same(RNN.load(path), model)


def run(code, *args):
    """Run Python code in a process of its own."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit on a file's size")
def test_a_full_disk(saved):
    """A limit on the size of files stands in for the full disk: it fails a write half-way, just so."""
    model, path = saved
    result = run("""
        import resource, signal, sys
        from rnn_lib import RNN
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
        try:
            RNN(50, 50, 50).save(sys.argv[1])
        except OSError as error:
            print(error.strerror)
        """, path)
    assert result.stdout == "File too large\n" and result.stderr == ""
    assert os.listdir(path.parent) == [path.name]
    assert same(RNN.load(path), model)


@pytest.mark.skipif(os.name == "nt", reason="needs SIGKILL")
@pytest.mark.parametrize("where", ["os.fsync", "os.replace"])
def test_a_process_killed_while_it_saves(saved, where):
    model, path = saved
    result = run("""
        import os, signal, sys
        from rnn_lib import RNN
        setattr(os, sys.argv[2], lambda *args: os.kill(os.getpid(), signal.SIGKILL))
        RNN(50, 50, 50).save(sys.argv[1])
        """, path, where.split(".")[1])
    assert result.returncode == -9
    assert same(RNN.load(path), model)
    assert all(name == path.name or name.startswith(f".{path.name}.") for name in os.listdir(path.parent))
    model.save(path)
    assert same(RNN.load(path), model), "what the killed process left is in nobody's way"


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError):
        RNN(1, 1, 1).save(tmp_path / "nowhere" / "model.npz")


# --- files that are not ours ----------------------------------------------------------------------------------------

def npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def header(**changes):
    config = {"class": "RNN", "dtype": "float64", "input_size": 2, "hidden_size": 3, "output_size": 1}
    return np.array(json.dumps({**config, **changes}))


def parameters(**changes):
    return {**RNN(2, 3, 1).params, **changes}


def zip_of(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return file.getvalue()


FOREIGN = {
    "empty": b"",
    "text": b"hello",
    "pickle": pickle.dumps({"W_xh": [1.0]}),
    "a single array": (lambda f: (np.save(f, np.ones(3)), f.getvalue())[1])(io.BytesIO()),
    "an array of objects": npz(model=np.array([{}], dtype=object)),
    "a zip of text": zip_of(model="hello"),
    "an npz of something else": npz(x=np.ones(3)),
    "no header": npz(**parameters()),
    "a header that is not JSON": npz(model=np.array("hello"), **parameters()),
    "a header that is a list": npz(model=np.array("[1]"), **parameters()),
    "a header without a class": npz(model=np.array("{}"), **parameters()),
    "a size of zero": npz(model=header(hidden_size=0), **parameters()),
    "a size that is a text": npz(model=header(hidden_size="3"), **parameters()),
    "a setting nobody knows": npz(model=header(depth=2), **parameters()),
    "another dtype": npz(model=header(dtype="int8"), **parameters()),
    "another size": npz(model=header(hidden_size=4), **parameters()),
    "a parameter too many": npz(model=header(), **parameters(b_z=np.ones(3))),
    "a parameter too few": npz(model=header(), W_xh=np.ones((3, 2))),
    "a parameter that is not finite": npz(model=header(), **parameters(b_h=np.array([0, np.nan, 0]))),
    "a parameter that is a text": npz(model=header(), **parameters(b_y=np.array(["0"]))),
    "a parameter that is complex": npz(model=header(), **parameters(b_y=np.array([1j]))),
}


@pytest.mark.parametrize("content", FOREIGN.values(), ids=FOREIGN.keys())
def test_a_foreign_file_is_refused_by_name(content, tmp_path):
    path = tmp_path / "foreign.npz"
    path.write_bytes(content)
    with pytest.raises((ValueError, TypeError), match=r"(?s)^path: .*expected .* got .*") as caught:
        RNN.load(path)
    assert "foreign.npz" in str(caught.value)


def test_missing_parameters_are_listed(tmp_path):
    path = tmp_path / "foreign.npz"
    path.write_bytes(npz(model=header(), W_xh=np.ones((3, 2)), b_h=np.ones(3)))
    with pytest.raises(ValueError, match="expected parameters W_xh, W_hh, b_h, W_hy, b_y, got W_xh, b_h in "):
        RNN.load(path)


def test_the_foreign_files_differ_from_ours_in_one_thing_only(tmp_path):
    (tmp_path / "ours.npz").write_bytes(npz(model=header(), **parameters()))
    assert same(RNN.load(tmp_path / "ours.npz"), RNN(2, 3, 1))


def test_a_pickle_is_never_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "exploded"),)

    hidden = npz(model=header(), W_hh=np.array([Bomb()], dtype=object))
    # and one that is as long as its shape asks for: what stands behind a pickle's end, pickle does not read
    padded = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(npz(model=header(), **parameters()))) as ours, zipfile.ZipFile(padded, "w") as file:
        for name in ours.namelist():
            if name != "W_hh.npy":
                file.writestr(name, ours.read(name))
        content = io.BytesIO()
        np.lib.format.write_array_header_1_0(content, {"descr": "|O", "fortran_order": False, "shape": (64,)})
        content.write(pickle.dumps(Bomb()).ljust(8 * 64, b"."))
        file.writestr("W_hh.npy", content.getvalue())
    for content in (pickle.dumps(Bomb()), hidden, padded.getvalue()):
        (tmp_path / "bomb.npz").write_bytes(content)
        with pytest.raises(ValueError, match="^path: expected a model saved by rnn_lib"):
            RNN.load(tmp_path / "bomb.npz")
    assert not (tmp_path / "exploded").exists()


def test_another_models_file(saved):
    with pytest.raises(ValueError, match="^path: expected a saved MLP, got a saved RNN in .*model.npz"):
        MLP.load(saved[1])
    with pytest.raises(ValueError, match="^path: expected a saved LSTM, got a saved RNN in .*model.npz"):
        LSTM.load(saved[1])


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.npz"):
        RNN.load(tmp_path / "nowhere.npz")
    with pytest.raises(OSError):
        RNN.load(tmp_path)


@pytest.mark.filterwarnings("ignore")  # NumPy's and zipfile's own, at strange headers
def test_a_damaged_file_is_refused_or_still_gives_the_very_same_model(saved):
    """Every file cut short, and one byte in each place changed: never another model, never another kind of error."""
    model, path = saved
    good = path.read_bytes()
    damaged = [good[:n] for n in range(0, len(good), 41)]
    for place in range(0, len(good), 7):
        damaged.append(good[:place] + bytes([good[place] ^ (1 << place % 8)]) + good[place + 1 :])
    refused = 0
    for content in damaged:
        path.write_bytes(content)
        try:
            assert same(RNN.load(path), model)
        except ValueError as error:
            assert str(error).startswith("path: ")
            refused += 1
    assert refused > len(damaged) / 2


def test_saving_and_loading_warn_of_nothing(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        RNN(1, 2, 1).save(tmp_path / "m.npz")
        RNN.load(tmp_path / "m.npz")


def test_numbers_that_are_not_finite_are_not_saved(saved):
    model, path = saved
    before = path.read_bytes()
    model.params["W_hh"][0, 0] = np.nan
    with pytest.raises(ValueError, match=r"params\['W_hh'\]: expected finite numbers, got nan at index \(0, 0\)"):
        model.save(path)
    model.params["W_hh"] = np.ones((3, 3), complex)
    with pytest.raises(TypeError, match=r"params\['W_hh'\]: expected real numbers, got dtype complex128"):
        model.save(path)
    assert path.read_bytes() == before


class OwnArguments(RNN):
    """A model whose constructor takes something else than RNN's."""

    def __init__(self, size):
        super().__init__(size, 4, size)


def test_a_model_that_could_not_be_made_from_its_file_is_not_saved(tmp_path):
    model = OwnArguments(2)
    assert repr(model).startswith("OwnArguments(…): ")
    with pytest.raises(TypeError, match="OwnArguments: expected its constructor's arguments .* got none for size"):
        model.save(tmp_path / "own.npz")
    assert not list(tmp_path.iterdir())


def rewritten(path, compress=False, **changes):
    """Write the file anew with another header."""
    with np.load(path) as file:
        arrays = dict(file)
    header = json.loads(str(arrays["model"])) | changes
    (np.savez_compressed if compress else np.savez)(path, **(arrays | {"model": np.array(json.dumps(header))}))


@pytest.mark.parametrize("size", [10**6, 10**18, -1, 2.5, "3", None])
def test_a_header_that_asks_for_another_size_builds_nothing(saved, size):
    _, path = saved
    rewritten(path, hidden_size=size)
    tracemalloc.start()
    with pytest.raises(ValueError, match="path: expected"):
        RNN.load(path)
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()


def test_compressed_files_are_refused(saved):
    _, path = saved
    rewritten(path, compress=True)
    with pytest.raises(ValueError, match="path: expected a model saved by rnn_lib, got .*it is compressed, and may"):
        RNN.load(path)


def test_an_array_smaller_than_it_says_asks_for_no_memory(saved):
    _, path = saved
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (10**5, 10**5)})
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, header.getvalue() if name == "W_hh.npy" else content)
    tracemalloc.start()
    with pytest.raises(ValueError, match="path: expected a model saved by rnn_lib, got .*W_hh.npy does not hold"):
        RNN.load(path)
    assert tracemalloc.get_traced_memory()[1] < 1e6
    tracemalloc.stop()


def test_a_symbolic_link_stays_one(saved, tmp_path):
    model, path = saved
    link = tmp_path / "link.npz"
    try:
        link.symlink_to(path)
    except OSError:
        pytest.skip("this system makes no symbolic links")
    model.params["b_h"] += 1
    model.save(link)
    assert link.is_symlink() and same(RNN.load(path), model)


@pytest.mark.parametrize("dtype", [complex, "U4"])
def test_parameters_that_are_no_real_numbers(saved, dtype):
    model, path = saved
    with np.load(path) as file:
        arrays = {**file, "W_hh": np.ones((3, 3)).astype(dtype)}
    np.savez(path, **arrays)
    with pytest.raises(ValueError, match="path: expected a model saved by rnn_lib, got .*W_hh: expected"):
        RNN.load(path)
