"""What a learner's backward pass keeps from one call to the next."""

from itertools import combinations

import numpy as np

from rnn_lib.exercises.answers import same
from rnn_lib.exercises.two_mistakes import both, kept_and_wrong
from rnn_lib.exercises.verdict import SINGLE, Verdict, close, require

__all__ = ["four_calls", "is_repeated", "memory", "require_fresh", "require_fresh_at_new_sizes"]


def four_calls(subject, learner):
    """Return the learner's gradients on one problem, another one of the same sizes, and twice the first again."""
    calls = [learner(problem) for problem in (subject.first, subject.again, subject.first, subject.first)]
    require("params" not in learner.changed, "params_changed", subject.kinds["params_changed"])
    return calls


def is_repeated(learner, calls):
    """True if the first problem got the same answer every time."""
    return all(same(calls[0], call, learner.rtol) for call in calls[2:])


def memory(subject, learner, calls):
    """Return the Verdict on a function that gave two answers to the same question."""
    first, again = subject.first, subject.again
    for bug in subject.bugs.values():
        if bug.kind == "not_zeroed":
            patient = bug.make()
            if all(same(grads, problem.answer(patient), learner.rtol)
                   for grads, problem in zip(calls, (first, again, first, first), strict=True)):
                return Verdict("not_zeroed", subject.kinds["not_zeroed"])

    def adds_up(name):
        one, two, three, _ = (grads[name] for grads in calls)
        kept = [(0 * one, one, first), (0 * one, two, again)]  # right every time …
        summed = [(one, two, again), (two, three, first)]      # … or on top of what was there before
        return any(all(close(after, before + problem.right[name], learner.rtol) for before, after, problem in steps)
                   for steps in (kept, summed))

    if all(map(adds_up, first.params)):
        return Verdict("not_zeroed", subject.kinds["not_zeroed"])
    if kinds := kept_and_wrong(subject, learner, calls):
        return both(subject, kinds)
    if random(learner, first):
        return Verdict("random", "The same arguments give another answer at every call, without a rule. Look for a "
                       "random number: noise, dropout, a weight that is drawn anew, an array by np.empty.")
    return Verdict("not_repeatable", "The same arguments gave another answer the second time. Look at what survives "
                   "from one call to the next, and for an array by np.empty, then check again.")


def random(learner, problem):
    """True if the answers to the same question jump about, as independent draws do: each jump as long as the last, and
    half of it back. What is kept from call to call moves along a line, comes to rest, or grows.
    """
    answers = np.array([np.concatenate([g.ravel() for g in learner(problem).values()]) for _ in range(8)])
    jumps = np.diff(answers, axis=0)
    lengths = np.linalg.norm(jumps, axis=1)
    cosines = (jumps[1:] * jumps[:-1]).sum(axis=1) / (lengths[1:] * lengths[:-1])
    return bool(lengths.max() < 3 * lengths.min() and -0.75 < cosines.mean() < -0.25)


def require_fresh_at_new_sizes(subject, learner, answers):
    """Raise a Verdict if the first data of a size that was never seen got the right answer, and the next a wrong one.

    The next are milder, so that whatever depends on the data alone shows with the first, unless it depends on what is
    small: then large output errors are answered rightly.
    """
    last = len(subject.ordinary) - 1  # `unseen` comes last
    if (subject.unseen and answers.solved[last - 1 : last + 1] == [True, False]
            and not learner.is_right(subject.unseen[1].scaled(1e12))):
        require_fresh(subject, *subject.unseen, answers.grads[last])
        raise Verdict("stale_cache", f"{subject.kinds['stale_cache']} Of two calls with the same sizes the first was "
                      "right and the second, with other data and other parameters, was not.")


def require_fresh(subject, first, again, grads):
    """Raise a Verdict if these gradients, of `again`, are made from some arguments of the call before, `first`."""
    names = list(first.axes)
    for n in range(1, len(names) + 1):
        for old in combinations(names, n):
            mixed = again.with_args(**{name: first.args[name] for name in old})
            if same(grads, mixed.right, SINGLE):
                raise Verdict("stale_cache", f"{subject.kinds['stale_cache']} The second call, with other data of the "
                              f"same sizes, still used the first call's {' and '.join(old)}.")
