"""The checks of arguments: what they let through, and the exact words of what they say."""

import fractions
import math
import pathlib
import warnings

import numpy as np
import pytest

from rnn_lib.ground import validation as v


def says(error, message, call, *args, **kwargs):
    with pytest.raises(error) as caught:
        call(*args, **kwargs)
    assert caught.type is error and str(caught.value) == message


# --- is_finite ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("array", [
    1.0, 0, [1, 2], np.zeros((2, 3)), np.array([True]), np.array([1 + 2j]), np.full(3, 1e200), np.float32(1e30),
    np.full((2, 2), 3e38, np.float32), np.array([1e200, -1e200]), np.arange(12.0).reshape(3, 4).T[::2]])
def test_finite(array):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert v.is_finite(array) is True


@pytest.mark.parametrize("array", [
    np.nan, -np.inf, [1.0, np.nan], np.array([[0, np.inf]]), np.array([np.inf, -np.inf]), np.array([1, np.nan], "f4"),
    np.array([1e200, np.nan]), np.array([1 + 1j * np.inf]), np.array([np.nan * 1j])])
def test_not_finite(array):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert v.is_finite(array) is False


# --- check_array ----------------------------------------------------------------------------------------------------

def test_an_array_that_fits_comes_back_as_it_is():
    x = np.ones((2, 3))
    assert v.check_array("x", x, ("B", 3)) is x
    assert v.check_array("x", x, ("B", 3), np.float64) is x
    for shape in ((...,), ("N", ...), (..., 3), (2, ..., 3), (2, 3, ...), (2, "C", ...)):
        assert v.check_array("x", x, shape) is x
    assert v.check_array("x", x) is x
    assert v.check_array("x", 3.0, ()) == 3
    for same in (np.array([1, 2]), np.array([True]), np.array([1j]), np.array([1], np.uint8)):
        assert v.check_array("x", same, ("N",)).dtype == same.dtype


def test_it_is_cast():
    for value in ([1, 2], np.array([1, 2], np.float32), np.array([True, False])):
        assert v.check_array("x", value, (2,), np.float64).dtype == np.float64
    assert v.check_array("x", [1.0], (1,), complex).dtype == complex
    assert v.check_array("x", [1j], (1,), np.complex64).dtype == np.complex64


@pytest.mark.parametrize("error, message, value, shape", [
    (ValueError, "x: expected shape (T, B, 2), got (3, 4)", np.ones((3, 4)), ("T", "B", 2)),
    (ValueError, "x: expected shape (T, B, 2), got (5, 3, 1)", np.ones((5, 3, 1)), ("T", "B", 2)),
    (ValueError, "x: expected shape (N,), got ()", 1.0, ("N",)),
    (ValueError, "x: expected shape (3,), got (2,)", [1, 2], (3,)),
    (ValueError, "x: expected shape (), got (2,)", [1, 2], ()),
    (ValueError, "x: expected shape (N,), got (0,), which is empty", [], ("N",)),
    (ValueError, "x: expected shape (T, 2), got (0, 2), which is empty", np.ones((0, 2)), ("T", 2)),
    (ValueError, "x: expected shape (...), got (0, 2), which is empty", np.ones((0, 2)), (...,)),
    (ValueError, "x: expected shape (N, ...), got ()", 1.0, ("N", ...)),
    (ValueError, "x: expected shape (..., 2), got (2, 3)", np.ones((2, 3)), (..., 2)),
    (ValueError, "x: expected shape (T, ..., 2, C), got (2, 3)", np.ones((2, 3)), ("T", ..., 2, "C")),
    (ValueError, "x: expected finite numbers, got nan at index (1, 0)", [[1.0, 2.0], [np.nan, np.inf]], ("T", 2)),
    (ValueError, "x: expected finite numbers, got -inf at index (0,)", [-np.inf], ("N",)),
    (TypeError, "x: expected an array of numbers, got NoneType None", None, ("N",)),
    (TypeError, "x: expected an array of numbers, got str 'abc'", "abc", ("N",)),
    (TypeError, "x: expected an array of numbers, got an array of dtype <U1 and shape (2,)",
     np.array(["a", "b"]), ("N",)),
    (TypeError, "x: expected an array of numbers, got an array of dtype object and shape (1,)",
     np.array([None]), ("N",)),
])
def test_an_array_that_does_not_fit(error, message, value, shape):
    says(error, message, v.check_array, "x", value, shape)


def test_ragged_lists():
    with pytest.raises(TypeError, match=r"^x: expected an array of numbers, got list \[\[1\], \[1, 2\]\] \(setting"):
        v.check_array("x", [[1], [1, 2]], ("N",))


def test_complex_where_real_is_wanted():
    says(TypeError, "x: expected real numbers, got dtype complex128", v.check_array, "x", [1j], (1,), np.float64)


def test_numbers_that_overflow_in_the_cast():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        says(ValueError, "x: expected finite numbers, got inf at index (1,)",
             v.check_array, "x", [1.0, 1e300], (2,), np.float32)


def test_not_finite_where_that_is_allowed():
    assert np.isnan(v.check_array("x", [np.nan], (1,), finite=False))


def test_shape_of():
    assert v.shape_of(np.ones((2, 3))) == (2, 3)
    assert v.shape_of([[1, 2]]) == (1, 2)
    assert v.shape_of(3) == v.shape_of([[1], [1, 2]]) == ()


# --- numbers --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("value", [1, 5, np.int64(3), np.uint8(7)])
def test_whole_numbers(value):
    result = v.check_int("n", value)
    assert result == value and type(result) is int
    assert v.check_int("n", value, minimum=int(value), maximum=int(value)) == value


def test_zero_is_whole_where_it_is_allowed():
    assert v.check_int("n", 0, minimum=0) == 0


@pytest.mark.parametrize("error, message, value, limits", [
    (ValueError, "n: expected a whole number at least 1, got 0", 0, {}),
    (ValueError, "n: expected a whole number at least 3, got 2", 2, {"minimum": 3}),
    (ValueError, "n: expected a whole number from 1 to 5, got 6", 6, {"maximum": 5}),
    (ValueError, "n: expected a whole number from 1 to 5, got 0", 0, {"maximum": 5}),
    (TypeError, "n: expected a whole number, got bool True", True, {}),
    (TypeError, "n: expected a whole number, got float 2.0", 2.0, {}),
    (TypeError, "n: expected a whole number, got str '2'", "2", {}),
    (TypeError, "n: expected a whole number, got NoneType None", None, {}),
])
def test_what_is_not_a_whole_number(error, message, value, limits):
    says(error, message, v.check_int, "n", value, **limits)


@pytest.mark.parametrize("value", [1, 0.5, np.float32(0.25), np.int64(3), fractions.Fraction(1, 2)])
@pytest.mark.filterwarnings("error")
def test_numbers(value):
    result = v.check_number("lr", value, above=0, below=4)
    assert result == value and type(result) is float


def test_limits_of_numbers():
    assert v.check_number("lr", 0, minimum=0) == 0
    assert v.check_number("lr", -1e308) == -1e308
    assert v.check_number("lr", 1e-320, above=0) > 0


@pytest.mark.parametrize("error, message, value, limits", [
    (ValueError, "lr: expected a finite number above 0, got 0", 0, {"above": 0}),
    (ValueError, "lr: expected a finite number above 0, got nan", math.nan, {"above": 0}),
    (ValueError, "lr: expected a finite number above 0, got inf", math.inf, {"above": 0}),
    (ValueError, "lr: expected a finite number, got -inf", -math.inf, {}),
    (ValueError, "lr: expected a finite number at least 0, got -0.1", -0.1, {"minimum": 0}),
    (ValueError, "lr: expected a finite number at least 0 and below 1, got 1", 1, {"minimum": 0, "below": 1}),
    (ValueError, "lr: expected a finite number above 0 and below 1, got 2", 2, {"above": 0, "below": 1}),
    (TypeError, "lr: expected a number, got bool False", False, {}),
    (TypeError, "lr: expected a number, got str '1'", "1", {}),
    (TypeError, "lr: expected a number, got complex 1j", 1j, {}),
    (TypeError, "lr: expected a number, got an array of dtype float64 and shape (1,)", np.ones(1), {}),
])
def test_what_is_not_a_number(error, message, value, limits):
    says(error, message, v.check_number, "lr", value, **limits)


def test_a_whole_number_too_large_for_a_float():
    says(ValueError, f"lr: expected a finite number, got {10**400}", v.check_number, "lr", 10**400)


# --- names, dicts, functions, paths ---------------------------------------------------------------------------------

def test_choices():
    assert v.check_choice("f", "tanh", ("tanh", "relu")) == "tanh"
    says(ValueError, "f: expected one of 'tanh', 'relu', got 'tan'", v.check_choice, "f", "tan", ("tanh", "relu"))
    says(TypeError, "f: expected one of 'tanh', 'relu', got int 1", v.check_choice, "f", 1, ("tanh", "relu"))


PARAMS = {"W": np.ones((2, 3)), "b": np.ones(2, np.float32)}


@pytest.mark.parametrize("message, value", [
    ("p: expected a dict of arrays, such as model.params, got NoneType None", None),
    ("p: expected a dict of arrays, such as model.params, got dict {}", {}),
    ("p['b']: expected an array of floats, got list [1.0, 1.0]", {**PARAMS, "b": [1.0, 1.0]}),
    ("p['W']: expected an array of floats, got an array of dtype int64 and shape (2,)",
     {**PARAMS, "W": np.ones(2, np.int64)}),
    ("p['W']: expected an array of floats, got an array of dtype complex128 and shape (2,)",
     {**PARAMS, "W": np.ones(2, complex)}),
])
def test_what_is_not_a_dict_of_arrays(message, value):
    for check in (lambda: v.check_named_arrays("p", value), lambda: v.check_same_keys("p", value, PARAMS)):
        says(TypeError, message, check)


def test_a_dict_of_arrays():
    assert v.check_named_arrays("p", PARAMS) is PARAMS
    assert v.check_same_keys("p", {name: p.copy() for name, p in reversed(PARAMS.items())}, PARAMS) is None


@pytest.mark.parametrize("message, value", [
    ("g: expected keys W, b, got W", {"W": PARAMS["W"]}),
    ("g: expected keys W, b, got W, b, c", {**PARAMS, "c": PARAMS["W"]}),
    ("g['W']: expected shape (2, 3), got (3, 2)", {**PARAMS, "W": np.ones((3, 2))}),
    ("g['b']: expected shape (2,), got (1, 2)", {**PARAMS, "b": np.ones((1, 2))}),
    ("g['b']: expected finite numbers, got nan at index (1,)", {**PARAMS, "b": np.array([0, np.nan])}),
])
def test_dicts_that_do_not_match(message, value):
    says(ValueError, message, v.check_same_keys, "g", value, PARAMS)


def test_objects_functions_and_paths():
    assert v.check_callable("f", len) is len
    says(TypeError, "f: expected a function, got str 'len'", v.check_callable, "f", "len")
    thing = pathlib.Path("a")
    assert v.check_has("p", thing, "name", "parent") is thing
    says(TypeError, "p: expected an object with name, size, got int 3", v.check_has, "p", 3, "name", "size")
    with pytest.raises(TypeError, match="^p: expected an object with name, size, got .*Path"):
        v.check_has("p", thing, "name", "size")
    assert v.check_path("path", pathlib.Path("a.npz")) == v.check_path("path", "a.npz") == "a.npz"
    says(TypeError, "path: expected a file's path, got int 3", v.check_path, "path", 3)


@pytest.mark.parametrize("value, words", [
    (np.ones((2, 3), np.float32), "an array of dtype float32 and shape (2, 3)"), ("abc", "str 'abc'"), (3, "int 3"),
    ([0] * 9, "list [0, 0, 0, 0, 0, 0, 0, 0, 0]"), ("x" * 38, f"str '{'x' * 38}'"), ("x" * 39, f"str '{'x' * 36}...")])
def test_describe(value, words):
    assert v.describe(value) == words


def test_masked_arrays_are_refused():
    masked = np.ma.masked_array([1.0, 2.0], [False, True])
    with pytest.raises(TypeError, match="^x: expected an array without a mask of its own, got "):
        v.check_array("x", masked, ("N",))


class Unreadable:
    """As a tensor of PyTorch that wants a gradient: it says itself why it cannot be an array."""

    def __array__(self, *_, **__):
        raise RuntimeError("use detach() first")

    def __repr__(self):
        return "tensor"


def test_what_cannot_be_made_an_array_is_named():
    for shape in (("N",), (...,), v.rows_or_steps(Unreadable(), 2)):
        says(TypeError, "x: expected an array of numbers, got Unreadable tensor (use detach() first)",
             v.check_array, "x", Unreadable(), shape)
