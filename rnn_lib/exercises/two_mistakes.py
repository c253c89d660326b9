"""Two known mistakes at once in a backward pass: named if exactly one pair of kinds leaves these gradients."""

from itertools import combinations, pairwise, takewhile

import numpy as np

from rnn_lib.exercises.answers import Answers, same, turned
from rnn_lib.exercises.verdict import Verdict, close

__all__ = ["OWN_TEST", "both", "kept_and_wrong", "two_at_once"]

OWN_TEST = {  # kinds that are found by a test of their own, not by the gradients that a patient leaves
    "bias_missing", "clipped", "gradient_transposed", "not_zeroed", "params_changed", "scale", "small_lost",
    "stale_cache", "truncated", "weight_decay",
}


def both(subject, kinds, ending=""):
    """Return the Verdict on two mistakes."""
    one, other = sorted(kinds, key=list(subject.kinds).index)
    return Verdict(f"{one} + {other}", "two mistakes at once, neither of which alone would leave these gradients. "
                   f"One: {subject.kinds[one]} The other: {subject.kinds[other]}{ending}")


def two_at_once(subject, answers):
    """Return the two kinds of mistakes that together explain every gradient, or None unless there is one such pair."""
    like = set.intersection(*(set(subject.pairs.like(name, answers.grads[0][name], answers.rtol))
                              for name in answers.names))
    found = {frozenset(subject.pairs[i].kinds) for i in like
             if answers.left_by(subject.pairs[i].gradients) == answers.names}
    found |= side_by_side(subject, answers) | finished(subject, answers)
    return found.pop() if len(found) == 1 else None


def side_by_side(subject, answers):
    """Return the pairs of kinds of which one explains some gradients, and the other one the rest."""
    marks = [(mark.kinds, set(answers.explained_by(mark))) for mark in named(subject)]
    return {frozenset(one + other) for (one, some), (other, rest) in combinations(marks, 2)
            if one != other and some and rest and some | rest == set(answers.names)}


def finished(subject, answers):
    """Return the pairs of which one kind, or both, changes the finished gradients: what `after` finds."""
    found = {after(subject, answers, answers.right)}
    for mark in named(subject):
        if after(subject, answers, [mark.on(0)]):
            found.add(after(subject, answers, mark.gradients) | set(mark.kinds))
    return {kinds for kinds in found if len(kinds) == 2}


def after(subject, answers, gradients):
    """Return the kinds that make the learner's gradients out of these, which are of the first problem or of all:
    a bias left out, every gradient scaled, a matrix turned. An empty set if they do not.
    """
    left_out = subject.biases & set(answers.empty)
    names = [name for name in answers.names if name not in left_out]
    sizes = [np.vdot(ours[names[-1]], other[names[-1]]) / np.vdot(other[names[-1]], other[names[-1]])
             for ours, other in zip(answers.grads, gradients, strict=False)]
    one_number = len(gradients) == 1 or answers.factor(names[-1:], gradients)[:4] not in ("", "some")
    for scaled, factors in (False, [1] * len(sizes)), (one_number, sizes):
        def all_are(change, name, factors=factors):
            return all(close(ours[name], factor * change(other[name]), answers.rtol)
                       for ours, other, factor in zip(answers.grads, gradients, factors, strict=False))

        def way(name, all_are=all_are):
            return "straight" if all_are(np.asarray, name) else "turned" if all_are(turned, name) else ""

        ways = list(takewhile(bool, map(way, names)))  # the first gradient that neither explains ends it
        if len(ways) == len(names):
            return frozenset(["bias_missing"] * bool(left_out) + ["scale"] * scaled
                             + ["gradient_transposed"] * ("turned" in ways))
    return frozenset()


def named(subject):
    """Return the fingerprints of the kinds that are known by the gradients that they leave."""
    return [mark for mark in subject.fingerprints if mark.kinds[0] not in OWN_TEST]


def kept_and_wrong(subject, learner, calls):
    """Return "not_zeroed" and the kind of mistake that each call added to the sums, or None unless there is one.

    `calls` are the gradients of the first problem, the second, and twice the first again.
    """
    again, first, once_more = ({name: b[name] - a[name] for name in a} for a, b in pairwise(calls))
    if not same(first, once_more, learner.rtol):
        return None
    answers = Answers(learner, subject.problems[:2], [first, again])
    found = {kind for mark in named(subject) for kind in mark.kinds
             if all(same(grads, mark.on(i), answers.rtol) for i, grads in enumerate(answers.grads))}
    found |= after(subject, answers, answers.right)
    return ("not_zeroed", *found) if len(found) == 1 else None
