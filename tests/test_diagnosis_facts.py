"""Whatever check_backward says of a wrong backward pass is true, also on data that the check has not seen."""

import itertools
import re

import numpy as np
import pytest
from test_exercises_backward import HIDDEN, SIZED, SWITCHES, changed, column_states, each, examine, row_states, walked

from rnn_lib.bugs import BUGS, right
from rnn_lib.bugs.rnn.subject import make_problem
from rnn_lib.exercises.verdict import close

NAMES = ["W_xh", "W_hh", "b_h", "W_hy", "b_y"]
FRESH = make_problem(T=7, B=3, I=22, H=6, O=2, seed=100)  # I > T B: the gradient of W_xh holds every dL/dz_t
ONE = make_problem(T=7, B=1, I=4, H=6, O=2, seed=101)
WITHOUT_CARRY = make_problem(T=7, B=3, I=4, H=6, O=2, seed=102, W_hh=np.zeros((6, 6)))


def right_names(backward, problem=FRESH, rtol=1e-9):
    """The parameters whose gradients are right on a problem, none if they cannot be had."""
    try:
        grads = problem.answer(backward)
        return {name for name in NAMES if close(grads[name], problem.right[name], rtol)}
    except Exception:
        return set()


def all_right(backward, problem):
    return right_names(backward, problem) == set(NAMES)


def number(words, problem):
    """The value of a factor such as 1/(T·B)."""
    return eval(words.replace("·", "*"), dict(problem.sizes))


def names_are_right(text, backward):
    wrong = re.search(r"wrong for ([\w, ]+), and not by", text)[1].split(", ")
    return right_names(backward) == set(NAMES) - set(wrong)


def walk_is_right(text, backward):
    proof = re.search(r"gradient of (\w+), made of", text)[1]
    return proof in right_names(backward) and ("W_xh" not in right_names(backward) or proof in ("W_xh", "b_h"))


def each_has_a_factor(text, backward):
    grads = FRESH.answer(backward)
    wrong = set(NAMES) - right_names(backward)
    cosine = {n: np.vdot(grads[n], FRESH.right[n]) / np.linalg.norm(grads[n]) / np.linalg.norm(FRESH.right[n])
              for n in wrong}
    return bool(wrong) and all(abs(abs(c) - 1) < 1e-9 for c in cosine.values())


def steps_are_as_said(text, backward):
    found = [n for n in range(1, 8) if all_right(backward, FRESH.error_at(n))]
    if match := re.search(r"right for n = 1(?: to (\d))? only: an error (.*)\.", text):
        m = int(match[1] or 1)
        back = "wrong from one step back on" if m == 1 else f"wrong from {m} steps back on"
        return found == list(range(1, m + 1)) and back in match[2]
    said = re.search(r"at step n it is right for (no n|n = [\d, ]+)( to \d)?( only)?", text)
    numbers = [int(n) for n in re.findall(r"\d+", said[0])]
    return found == (list(range(1, numbers[-1] + 1)) if said[3] else numbers)


def covers(text, backward):
    k = int(re.search(r"covers (\d+) steps", text)[1])
    one_more, just = (make_problem(T=T, B=2, I=3, H=4, O=1, seed=103) for T in (k + 1, k))
    return all_right(backward, just) and not all_right(backward, one_more)


def factor_is_as_said(text, backward):
    words = re.search(r"every gradient is (.+) times", text)[1]
    if words.startswith("some number"):
        return each_has_a_factor(text, backward)
    grads = FRESH.answer(backward)
    return all(close(grads[name], number(words, FRESH) * FRESH.right[name], 1e-5) for name in NAMES)


def is_small(text, backward):
    size = float(re.search(r"are small, (\S+) of", text)[1])
    grads = FRESH.answer(backward)
    return all(close(grads[name], FRESH.right[name], 100 * size) for name in NAMES)


FACTS = {  # a piece of a sentence, and whether it is true: (text of the report, backward) -> bool
    "and not by one mistake": names_are_right,
    "and so is the walk back": walk_is_right,
    "is a number times the right one": each_has_a_factor,
    "it is wrong already": lambda text, backward: not all_right(backward, WITHOUT_CARRY),
    "where nothing comes back from later steps, it is right": lambda text, backward: all_right(backward, WITHOUT_CARRY),
    "at step n it is right": steps_are_as_said,
    "shows that the walk back is right": lambda text, backward: re.search(
        r"(\w+) shows that the walk", text)[1] in right_names(backward),
    "at one step it is right, too": lambda text, backward: all(
        all_right(backward, FRESH.error_at(n)) for n in range(1, 8)),
    "everywhere but at the last step it is right": lambda text, backward: [
        all_right(backward, FRESH.error_at(n)) for n in range(1, 8)] == 6 * [False] + [True],
    "steps at a time": covers,
    "times the right one. The direction": factor_is_as_said,
    "The errors are small": is_small,
    "right for a single sequence and wrong for a batch": lambda text, backward: (
        all_right(backward, ONE) and not all_right(backward, FRESH)),
    "every gradient is right": lambda text, backward: right_names(
        backward, rtol=1e-5 if "single precision" in text else 1e-9) == set(NAMES),
    "Still zero": lambda text, backward: all(
        name in text or name in right_names(backward) for name in NAMES),
    "right once the output errors are a million times larger": lambda text, backward: all_right(
        backward, FRESH.scaled(1e12)),
    "twice the error does not give twice the gradient": lambda text, backward: not all(
        close(2 * FRESH.answer(backward)[name], FRESH.scaled(2).answer(backward)[name], 1e-9) for name in NAMES),
    "with dY = 0 there is nothing to learn": lambda text, backward: any(
        g.any() for g in FRESH.scaled(0).answer(backward).values()),
    "It shows in": lambda text, backward: not right_names(backward) & set(
        re.search(r"It shows in: ([\w, ]+)\.", text)[1].split(", ")),
    "transposed": lambda text, backward: all(
        close(FRESH.answer(backward)[name].T, FRESH.right[name], 1e-9)
        for name in re.findall(r"^  (\w+) +transposed", text, re.MULTILINE)),
}


def mixed(names, one, other):
    """The gradients of one patient, and for some parameters those of another."""
    def backward(*args):
        theirs = other.make()(*args)
        return one.make()(*args) | {name: theirs[name] for name in names}
    return backward


def wrong_passes():
    """Wrong backward passes by name: functions that make them, since some remember."""
    def styled(style, pair):
        return lambda: style(**{switch: SIZED.get(switch, True) for switch in pair})

    for i, pair in enumerate(itertools.combinations([s for s in SWITCHES if s != "not_zeroed"], 2)):
        yield f"{pair}", styled(column_states if i % 3 else row_states, pair)
    for name, bug in BUGS.items():
        if bug.kind not in ("not_zeroed", "stale_cache", "params_changed"):
            yield name, bug.make
    rng = np.random.default_rng(0)
    plain = [bug for bug in BUGS.values() if bug.kind not in ("not_zeroed", "stale_cache", "params_changed")]
    for i in range(80):
        one, other = rng.choice(len(plain), 2, replace=False)
        names = tuple(rng.choice(NAMES, rng.integers(1, 4), replace=False))
        patients = plain[one], plain[other]
        yield f"{i}: {patients[0].name}, {patients[1].name}", lambda p=patients, n=names: mixed(n, *p)
    changes = {
        "T": lambda g, p, X, dY: g / len(X), "minus": lambda g, p, X, dY: -g, "reversed": lambda g, p, X, dY: g[::-1],
        "root": lambda g, p, X, dY: g / np.sqrt(np.abs(dY).max()), "abs": lambda g, p, X, dY: np.abs(g),
        "rounded": lambda g, p, X, dY: np.round(g, 3), "small": lambda g, p, X, dY: g * (1 + 1e-6 * p),
        "first": lambda g, p, X, dY: (g.T * (np.arange(len(g)) > 0)).T, "zero": lambda g, p, X, dY: 0 * g,
        "transposed": lambda g, p, X, dY: g.T if g.shape[0] == g.shape[-1] else g,
    }
    for word, change in changes.items():
        for names in (HIDDEN, ("W_hh",), ("b_h", "b_y"), ("W_hy",), tuple(NAMES)):
            yield f"{word} {names}", lambda c=change, n=names: each(c, n)
    for word, change in {
        "squared": lambda carry, t: carry**2, "halved": lambda carry, t: carry / 2,
        "late": lambda carry, t: carry * (t > 2), "early": lambda carry, t: carry * (t < 4),
        "turned": lambda carry, t: carry[:, ::-1],
        "last": lambda carry, t: carry * (1 + (t == 6)), "first": lambda carry, t: carry * (1 + (t == 1)),
        "batch": lambda carry, t: carry.mean(axis=0), "odd": lambda carry, t: carry * (t % 2),
    }.items():
        yield f"carry {word}", lambda c=change: walked(change=c)
    yield "b_h without a carry", lambda: changed(lambda g, params, X, h, dY: g.update(
        b_h=(dY @ params["W_hy"] * (1 - h[1:] ** 2)).sum(axis=(0, 1))))
    yield "first sequence", lambda: changed(lambda g, params, X, h, dY: g.update(
        b_h=right(params, X[:, :1], h[:, :1], dY[:, :1])["b_h"]))


@pytest.mark.parametrize("part", range(4))
def test_every_stated_fact_is_true_on_other_data(part):
    told = set()
    for name, make in itertools.islice(wrong_passes(), part, None, 4):
        text = str(examine(make()))
        for piece, is_true in FACTS.items():
            if piece in text:
                told.add(piece)
                assert is_true(text, make()), f"{name}: {piece!r} is not true\n{text}"
    assert len(told) >= 8
