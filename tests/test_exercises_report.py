"""What all checks share: safe calls, comparison, and the report."""

import numpy as np
import pytest

from rnn_lib import RNN, exercises
from rnn_lib.exercises.verdict import Verdict, attempt, call, close, judge, require, require_dict, returns_report
from rnn_lib.ground.report import Report


def verdict(function, *args):
    """The Report on what the function raises, or a right one."""
    return returns_report(lambda: function(*args) or "right")()


def test_the_three_labels_and_both_views():
    for kind, label, colour in [("correct", "Correct", "#009E73"), ("not_started", "Not started", "#7F7F7F"),
                                ("carry_missing", "Not yet", "#D55E00")]:
        report = Report(kind, "a < b", (("name", "x"), ("W_xh", "1")))
        assert report.passed == (kind == "correct")
        assert str(report) == repr(report) == f"{label}: a < b\n  name  x\n  W_xh  1"
        html = report._repr_html_()
        assert label in html and colour in html and "a &lt; b" in html and html.count("<tr>") == 2
    assert "<table>" not in Report("correct", "fine")._repr_html_()


@pytest.mark.parametrize("answer", [None, ..., lambda: None, lambda: ..., ])
def test_a_stub_is_not_started(answer):
    assert verdict(attempt, answer).kind == "not_started"


def test_a_stub_that_raises_not_implemented_is_not_started():
    def backward():
        raise NotImplementedError
    assert verdict(attempt, backward).kind == "not_started"
    assert "backward returns nothing yet" in str(verdict(attempt, backward))


def test_attempt_hands_out_copies_and_call_the_things_themselves():
    def spoil(array, arrays):
        array += 1
        arrays["a"] += 1
        return 5

    array, arrays = np.zeros(2), {"a": np.zeros(2)}
    assert attempt(spoil, array, arrays) == 5
    assert not array.any() and not arrays["a"].any()
    assert call(spoil, array, arrays) == 5
    assert array.all() and arrays["a"].all()


def test_an_exception_names_the_line():
    def answer(x):
        y = x + 1
        return y / 0 if y is None else y["key"]

    report = verdict(attempt, answer, 1)
    assert report.kind == "exception"
    assert "TypeError: 'int' object is not subscriptable" in report.message
    assert 'the line `return y / 0 if y is None else y["key"]`.' in report.message


def test_an_exception_outside_the_learners_code_names_no_line():
    report = verdict(attempt, int, "x")
    assert report.kind == "exception" and "line" not in report.message


def test_not_a_function():
    report = verdict(attempt, 3)
    assert report.kind == "wrong_type" and "got int 3" in report.message


RIGHT = np.array([1.0, 2.0])
MISTAKES = [("sign", -RIGHT, "look at the sign"), ("column", RIGHT[:, None], "a column")]


@pytest.mark.parametrize(("got", "kind"), [
    (RIGHT, "correct"), ([1, 2], "correct"), ((1.0, np.float32(2)), "correct"), (RIGHT * (1 + 1e-12), "correct"),
    (None, "not_started"), (..., "not_started"), (-RIGHT, "sign"), ([[1], [2]], "column"), (RIGHT + 0.1, "unknown"),
    (RIGHT * (1 + 1e-6), "unknown"), (1.0, "wrong_shape"), ([1, 2, 3], "wrong_shape"), ([], "wrong_shape"),
    ([np.nan, 2], "not_finite"), ([np.inf, -np.inf], "not_finite"), ("12", "wrong_type"), (["1", "2"], "wrong_type"),
    (RIGHT + 1j, "wrong_type"), ([1, None], "not_started"), ((..., ...), "not_started"),
    (np.array([1, None]), "wrong_type"), ([[1], [1, 2]], "wrong_type"), ({"a": 1}, "wrong_type"),
    (lambda: 1, "wrong_type"), ({1.0, 2.0}, "wrong_type"), (object(), "wrong_type"),
])
def test_judge(got, kind):
    assert verdict(judge, "answer", got, RIGHT, MISTAKES).kind == kind


def test_judge_a_number():
    assert verdict(judge, "loss", 0.5, 0.5).passed
    assert verdict(judge, "loss", True, 1).passed
    assert verdict(judge, "loss", [0.5], 0.5).kind == "wrong_shape"


class Hostile:
    def __array__(self, *args, **kwargs):
        raise SystemExit("no array")

    def __repr__(self):
        raise RuntimeError("no repr")

    def __eq__(self, other):
        raise RuntimeError("no comparison")

    __hash__ = None


def test_judge_survives_hostile_objects():
    assert verdict(judge, "answer", Hostile(), RIGHT).kind == "wrong_type"
    assert verdict(judge, "answer", [Hostile()], RIGHT).kind == "wrong_type"


def test_a_check_never_raises_but_lets_the_user_interrupt():
    @returns_report
    def check(answer):
        raise answer

    report = check(ValueError("strange"))
    assert report.kind == "wrong_type" and "ValueError: strange" in report.message
    assert check(SystemExit()).kind == "wrong_type"
    with pytest.raises(KeyboardInterrupt):
        check(KeyboardInterrupt())


def test_a_check_returns_its_praise_or_the_verdict_as_a_report():
    @returns_report
    def check(answer):
        require(answer > 0, "sign", "look at the sign")
        if answer > 9:
            raise Verdict("large", "too large", [("name", "x")])
        return "well done"

    assert check(1) == Report("correct", "well done") and check(1).passed
    assert check(-1) == Report("sign", "look at the sign")
    assert check(10) == Report("large", "too large", (("name", "x"),))


T, B, I, H, O = 6, 5, 3, 4, 2
SIZES = {"T": T, "B": B, "I": I, "H": H, "O": O}
ARRAYS = {**RNN(I, H, O, seed=1).params, "h": np.ones((T + 1, B, H))}


def in_notebook(text):
    """A function as in a notebook whose cells have left SIZES and ARRAYS, and NumPy, in memory."""
    return eval(text, {"np": np, **SIZES, **ARRAYS})


@pytest.mark.parametrize(("check", "text", "names"), [
    ("weight_gradients", "lambda dZ, X, hidden_states, dY: {'W_xh': dZ.reshape(T * B, -1)}", "T, B"),
    ("weight_gradients", "lambda dZ, X, hidden_states, dY: sum(dZ[t] for t in range(T))", "T"),
    ("initial_state_gradient", "lambda params, X, hidden_states, dY: dY[0] @ W_hy", "W_hy"),
    ("initial_state_gradient", "lambda params, X, hidden_states, dY: [dY[t] for t in range(T)]", "T"),
    ("backward", "lambda params, X, hidden_states, dY: [dY[t] for t in range(T)]", "T"),
    ("step", "lambda params, x_t, h_prev: (np.tanh(W_xh @ x_t + W_hh @ h_prev + b_h), x_t)", "W_xh, W_hh, b_h"),
    ("forward", "lambda params, X, h0: (np.zeros((T + 1, B, H)) + h0, X)", "T, B, H"),
    ("time_major", "lambda X: X.reshape(T, B, I)", "T, B, I"),
])
def test_a_function_that_uses_the_notebooks_own_sizes_is_told_so(check, text, names):
    report = getattr(exercises, f"check_{check}")(in_notebook(text))
    sentence = f"Your function uses the notebook's own {names}: take what it needs from its arguments."
    assert report.message.endswith(sentence) and report.message.count("notebook's own") == 1
    assert "Python counts from 0" not in report.message


@pytest.mark.parametrize("text", [
    "lambda X: X.T", "lambda X: [X for T in X]", "lambda T: None", "lambda d: T", "lambda X: np.T",
])
def test_only_what_is_really_the_notebooks_is_called_so(text):
    assert "notebook's own" not in exercises.check_time_major(in_notebook(text)).message


def test_a_right_answer_is_not_told_what_it_uses():
    report = exercises.check_time_major(in_notebook("lambda X: X.swapaxes(0, T - 5)"))
    assert report.passed and "notebook" not in report.message


def test_a_remark_on_single_precision_is_made_of_nothing_else():
    for right in ([1.0, 1 / 3], np.array([1, 1 / 3])):
        assert judge("x", right, [1, 1 / 3], single=True) == judge("x", right, [1, 1 / 3]) == ""
    assert "single precision" in judge("x", np.float32([1, 1 / 3]), [1, 1 / 3])


def test_close():
    assert close([0, 0], [0, 0], 0)
    assert close([1e9, 1], [1e9, 1.5], 1e-9)
    assert not close([1, 2], [1, 2.1], 1e-3)
    assert not close([np.nan], [np.nan], 1)
    assert not close([np.inf], [np.inf], 1) and not close([0.0], [np.inf], 1)
    assert not close([1, 2], [1], 1)


def shows(x):
    print(x)


def adds(x):
    x + 1


@pytest.mark.parametrize(("function", "args", "report"), [
    (attempt, (shows, 1), Report("not_returned", "shows prints something and returns nothing. What `print` shows is "
                                 "lost to whoever called the function: end it with `return`.")),
    (attempt, (adds, 1), Report("not_returned", "adds returns nothing. Is a `return` missing, at its end or in one of "
                                "its branches?")),
    (require_dict, ("sizes", [1], "ab"), Report("wrong_type", "sizes: expected a dict of values, got list [1].")),
    (require_dict, ("sizes", {"a": 1}, "ab"), Report("wrong_keys", "sizes: expected the keys a, b, got a.")),
])
def test_what_is_said_in_full(function, args, report):
    assert verdict(function, *args) == report
