"""Is a backward pass right, and if not, which mistake is in it? The engine: it knows no network by name.

The gradient that a mistake leaves gives it away, whatever way the code was written. It is compared with those that
every bug of the network leaves, on problems whose sizes all differ, with weights of order one and a non-zero initial
state. A mistake is named only if every gradient matches on every problem. What is said of an unknown one was tried.

A network comes in as a `bugs.Subject`. A mistake is added to its bugs, and to nothing here: see `rnn_lib.bugs`.
"""

from functools import partial

import numpy as np

from rnn_lib.exercises.answers import EXACT, Answers, Learner, one_number, same
from rnn_lib.exercises.memory import four_calls, is_repeated, memory, require_fresh, require_fresh_at_new_sizes
from rnn_lib.exercises.two_mistakes import OWN_TEST, both, two_at_once
from rnn_lib.exercises.unknown import unknown
from rnn_lib.exercises.verdict import SINGLE, Verdict, close, require

__all__ = ["diagnose"]


def diagnose(subject, backward):
    """Return the praise of a learner's backward pass, or raise the simplest Verdict that fits all its answers."""
    learner = Learner(backward, subject)
    require_repeatable(subject, learner)
    answers = Answers(learner, subject.problems)
    wrong = set(answers.wrong)
    if not wrong:
        return praise(subject, learner)
    require_fresh_at_new_sizes(subject, learner, answers)
    if answers.empty == answers.names:
        raise Verdict("not_started", "every gradient is still zero. Fill them in and run this cell again.")
    if wrong <= set(answers.sideways):
        raise answers.found("gradient_transposed")
    if wrong <= set(answers.empty):
        raise answers.found("bias_missing") if wrong <= subject.biases else unfinished(subject, answers)
    if wrong <= subject.biases & set(answers.everywhere(one_number_for_all, answers.right)):
        raise one_number(answers.wrong)
    kinds = kinds_that_fit(subject, answers)
    if len(kinds) == 1:
        kind = kinds.pop()
        raise answers.found(kind, place(kind, subject, answers))
    require_nothing_added(subject, learner, answers)
    require_gaps_bridged(subject, answers)
    require_linear(subject, learner, answers)
    if factor := answers.factor(answers.names):
        raise scaled(subject, factor)
    if k := steps_covered(subject, learner, answers):
        raise answers.found("truncated", f"The walk back covers {k} steps at a time. ")
    factors = {name: answers.factor([name]) for name in answers.wrong}
    if not all(factors.values()) and only_batches_are_wrong(subject, learner, answers):
        raise Verdict("batch", "it is right for a single sequence and wrong for a batch. A weight is shared by all "
                      "sequences, so its gradient is a sum over them. Look at each line that handles the batch axis. "
                      f"It shows in: {', '.join(answers.wrong)}.")
    if kinds := two_at_once(subject, answers):
        raise both(subject, kinds, f" {answers.shown()}")
    raise unknown(subject, learner, answers, factors)


def one_number_for_all(got, expected):
    """True if every element is the sum of the elements that should be there."""
    return close(got, np.full_like(expected, expected.sum()), EXACT)


def praise(subject, learner):
    """Say that an answer is right, with a remark on each habit that may hurt elsewhere."""
    remarks = [f"it writes into its argument {' and '.join(sorted(learner.changed))}; work on a copy."
               ] * bool(learner.changed) + list(learner.remarks)
    if learner.rtol == SINGLE:
        remarks.append("it is right to single precision only; a float32 array is at work somewhere.")
    sizes = " and ".join(f"{axis} up to {max(problem.sizes[axis] for problem in subject.problems)}"
                         for axis in "TB" if axis in subject.first.sizes)
    message = f"every gradient is right: for {sizes}, at order-one weights, and twice in a row."
    return " One remark: ".join([message, *remarks])


def unfinished(subject, answers):
    """Return the Verdict on gradients that are right where they are not zero."""
    message = f"so far so good. Still zero: {', '.join(answers.wrong)}."
    if set(subject.walk) <= set(answers.wrong):
        message += (" If their lines are written, then no error ever enters the walk back: look at the line that puts "
                    "dL/dh_t together.")
    return Verdict("unfinished", message)


def scaled(subject, factor):
    """Return the Verdict on gradients that are all right but for one factor, given in words."""
    finding = f"every gradient is {factor} times the right one."
    if not factor.startswith("-"):
        return Verdict("scale", f"{finding} {subject.kinds['scale']}")
    turned = "The direction is opposite: look for a sign."
    length = "" if factor == "-1" else " The length is not right either: look for a division or a factor, too."
    return Verdict("scale", f"{finding} {turned}{length}")


# --- from one call to the next ----------------------------------------------------------------------------------------


def require_repeatable(subject, learner):
    """Raise a Verdict unless each call is about its own arguments; find out how precise the answers are."""
    first, again = subject.first, subject.again
    calls = four_calls(subject, learner)
    if not is_repeated(learner, calls):
        learner.try_on(subject.without_carry or first)  # in case an earlier check's calls have left a carry
        calls = four_calls(subject, learner)
        if not is_repeated(learner, calls):
            raise memory(subject, learner, calls)
    if not same(calls[0], first.right, learner.rtol):
        if rounded(learner, first, calls[0]):
            learner.rtol = SINGLE
        require(learner.rtol == SINGLE or not numerical(subject, learner, calls[0]), "numerical", NUMERICAL)
    if same(calls[0], first.right, learner.rtol) and not same(calls[1], again.right, learner.rtol):
        require_fresh(subject, first, again, calls[1])


# --- numbers ----------------------------------------------------------------------------------------------------------

NUMERICAL = (
    "these are the right gradients up to a small error, and they do not depend on what the forward pass kept: you find "
    "them numerically, by running the forward pass again for each number. That is a good check of a backward pass, and "
    "too slow to be one. Walk back once instead."
)


def rounded(learner, problem, grads):
    """True if the gradients are right but for rounding to float32: then a change beyond its digits makes none."""
    if not same(grads, problem.right, SINGLE):
        return False
    off = {name for name, g in grads.items() if not close(g, problem.right[name], EXACT)}
    for argument in problem.args if off else ():
        nudged = problem.nudged(argument)
        moved = learner(nudged)
        off -= {name for name in off if np.array_equal(moved[name], grads[name])
                and not np.array_equal(nudged.right[name], problem.right[name])}
    return not off


def numerical(subject, learner, grads):
    """True if the gradients are nearly right, and made without what the forward pass kept."""
    right = subject.first.right
    blind = learner.try_on(subject.forgotten) if same(grads, right, 1e-3) else None
    return blind is not None and same(blind, right, 1e-3)


def require_nothing_added(subject, learner, answers):
    """Raise a Verdict if the gradients hold something that is no error: without an output error they are not zero."""
    added = learner.try_on(subject.first.scaled(0)) or {}
    names = [name for name, g in added.items() if g.any()]
    if not names:
        return
    params = subject.first.params
    share = np.vdot(added[names[0]], params[names[0]]) / np.vdot(params[names[0]], params[names[0]])
    rest = {name: g - added[name] for name, g in answers.grads[0].items()}
    of_params = all(close(added[name], share * params[name], SINGLE) for name in names)
    require(not (of_params and close(share, 1, SINGLE)), "updated_params", "with dY = 0 you return the parameters "
            "themselves. Return the gradients alone: the step, param - lr * gradient, is the optimiser's. "
            f"It shows in: {', '.join(names)}.")
    if of_params and same(rest, subject.first.right, EXACT):
        raise Verdict("weight_decay", f"{subject.kinds['weight_decay']} It is {share:.3g} times the parameter. "
                      f"It shows in: {', '.join(names)}.")
    raise Verdict("not_zero", "with dY = 0 there is nothing to learn, and every gradient must be 0. Yours is not: "
                  "something enters that is no error. Look at what the carry and the sums start from (np.empty starts "
                  "from anything), and for a term without dY. "
                  f"It shows in: {', '.join(names)}.")


def require_gaps_bridged(subject, answers):
    """Raise a Verdict if all is right but where most steps have no error of their own."""
    n = len(subject.ordinary)
    require(not all(answers.solved[:n]) or all(answers.solved[n:-2]), "gaps", "it is right where every step has "
            "an error of its own, and wrong where dY is 0 at some steps, as with a loss of the last step, or with "
            "sequences of unequal lengths. A later step's error passes through such a step all the same. Look for a "
            f"test of dY, or a mask, that skips a step or ends the loop. It shows in: {', '.join(answers.wrong)}.")


def require_linear(subject, learner, answers):
    """Raise a Verdict if the gradients are right for small output errors only, or for large ones only."""
    if all(learner.is_right(problem.quiet()) for problem in subject.ordinary):
        loud, right = answers.grads[-2], answers.right[-2]
        if any(np.abs(loud[name]).max() > np.abs(right[name]).max() for name in answers.wrong):
            raise Verdict("not_linear", "right for tiny output errors, and the wronger the larger they are. Twice the "
                          "error must give twice the gradient. Look for a square, or for dY in a product with itself. "
                          f"It shows in: {', '.join(answers.wrong)}.")
        raise answers.found("clipped")
    if all(learner.is_right(problem.scaled(1e12)) for problem in subject.ordinary):
        raise answers.found("small_lost")


# --- which mistake ----------------------------------------------------------------------------------------------------


def kinds_that_fit(subject, answers):
    """Return the kinds of mistakes that explain every gradient."""
    marks = [(mark.kinds[0], set(answers.explained_by(mark))) for mark in subject.fingerprints
             if mark.kinds[0] not in OWN_TEST]
    kinds = {kind for kind, names in marks if names == set(answers.names)}
    explained = {}
    for kind, names in marks:
        explained.setdefault(kind, set()).update(names)
    return kinds or {kind for kind, names in explained.items() if set(answers.wrong) <= names}  # each in another form


def place(kind, subject, answers):
    """Return a sentence that says where this mistake is: that of the first patient that left these gradients, if its
    kind is told apart; that the walk back is right, if a gradient shows it; or "".
    """
    for mark in subject.fingerprints:
        if {*mark.kinds, mark.name} & subject.told_apart and answers.explained_by(mark) == answers.names:
            return f"{mark.sentence} "
    proof = [name for name in subject.walk if name not in answers.wrong]
    if kind in subject.of_the_walk and proof:
        return (f"{proof[0]} shows that the walk back is right: the mistake is in what goes into "
                f"{' and '.join(answers.wrong)}. ")
    return ""


def steps_covered(subject, learner, answers):
    """Return k if the walk back covers k steps at a time, else 0. Sequences of k steps are right: k by halving."""
    longest = subject.others[-1]
    right, wrong = 1, longest.sizes.get("T", 1) + 1
    while wrong - right > 1:
        middle = (right + wrong) // 2
        right, wrong = (middle, wrong) if learner.is_right(longest.cut("T", middle)) else (right, middle)
    walks = [[problem.answer(partial(shortened, right)) for problem in subject.problems]
             for shortened in subject.shortened if right > 1]
    return right if any(answers.left_by(walk) == answers.names for walk in walks) else 0


def only_batches_are_wrong(subject, learner, answers):
    """True if each sequence alone is answered rightly, on all problems where the batch of them is not."""
    missed = [problem for problem, solved in zip(subject.ordinary, answers.solved, strict=False) if not solved]
    return bool(missed) and all("B" in problem.sizes and learner.is_right(problem.sequence(b))
                                for problem in missed for b in range(problem.sizes.get("B", 1)))
