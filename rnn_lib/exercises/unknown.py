"""What can be said of a mistake in a backward pass that has no name: each sentence was tried before it is told."""

import numpy as np

from rnn_lib.exercises.answers import same
from rnn_lib.exercises.verdict import Verdict

__all__ = ["unknown"]


def unknown(subject, learner, answers, factors):
    """Return the Verdict that says which gradients are wrong, and what was found out about the mistake.

    `factors` says, in words, what each wrong gradient is multiplied by: "" if by no one number.
    """
    rows = [("gradient of", "")]
    for name in answers.names:
        verdict = "right" if name not in factors else "zero" if name in answers.empty else (
            "transposed" if name in answers.sideways else f"{factors[name]} times the right one" if factors[name]
            else f"wrong{answers.rows_of(name)}")
        rows.append((name, verdict))
    message = f"wrong for {', '.join(answers.wrong)}, and not by one mistake that this check knows."
    largest = max(np.abs(grads[name] - right[name]).max() / np.abs(right[name]).max()
                  for grads, right in zip(answers.grads, answers.right, strict=True) for name in answers.wrong)
    if largest < 1e-3:
        message += f" The errors are small, {largest:.0e} of the gradient at most: look for a small number."
    if learner.changed:
        message += (f" It writes into its argument {' and '.join(sorted(learner.changed))}: whatever is read from "
                    "there later is no longer what it was.")
    return Verdict("unknown", f"{message} {where(subject, learner, answers, factors)}", rows)


def where(subject, learner, answers, factors):
    """Say where the mistake cannot be, or from how many steps on it shows: by silencing output errors."""
    wrong = ", ".join(answers.wrong)
    if answers.solved[0]:
        sizes = [", ".join(f"{axis}={n}" for axis, n in problem.sizes.items())
                 for problem, solved in zip(subject.ordinary, answers.solved, strict=False) if not solved]
        return (f"It is right on most data, and wrong on those with {'; with '.join(sizes)}: look for what holds for "
                "some sizes only or, since the data differ, too, for some numbers only, such as a limit." if sizes else
                "It is right on all data of order one: look for what depends on how large or how small dY is.")
    if all(factors.values()) and not set(answers.wrong) & set(answers.empty):
        return ("Each of them is a number times the right one: look for a division, a factor or a sign in the lines of "
                f"{wrong}.")
    twice = learner.try_on(subject.first.scaled(2))
    if twice is None or not same(twice, {name: 2 * g for name, g in answers.grads[0].items()}, learner.rtol):
        return ("Twice the error does not give twice the gradient, as it must: look for a square, a size, a comparison "
                f"or a rounding in the lines of {wrong}.")
    proof = [name for name in subject.walk if name not in answers.wrong]
    if proof:
        return (f"The gradient of {proof[0]}, made of every step's error, is right, and so is the walk back: "
                f"look at the lines that make the gradient of {wrong}.")
    if not subject.without_carry:
        return f"Look at the lines that make the gradient of {wrong}."
    steps = range(1, subject.first.sizes["T"] + 1)
    right = [n for n in steps if learner.is_right(subject.first.error_at(n))]
    if right == [steps[-1]]:
        return "With dY zero everywhere but at the last step it is right: look at how the other steps' errors join."
    m = len(right)
    in_a_row = right == list(range(1, m + 1))
    which = "no n" if not right else f"n = 1{f' to {m}' * (m > 1)} only" if in_a_row else (
        f"n = {', '.join(map(str, right))}")
    if not learner.is_right(subject.without_carry):
        already = f"With {subject.silence} nothing comes back from later steps, and it is wrong already"
        if not right:
            return f"{already}: look at the lines for one step first, and at which steps the loop visits."
        return (f"{already}. With dY zero everywhere but at step n it is right for {which}: look at what is different "
                "at the other steps, and at what passes from one step to another.")
    text = (f"With {subject.silence}, where nothing comes back from later steps, it is right. "
            "With dY zero everywhere but ")
    if len(right) == len(steps):
        return text + "at one step it is right, too, whichever step that is: look at how the steps' errors join."
    if not in_a_row or not right or not learner.is_right(subject.first.cut("T", m)):
        return text + f"at step n it is right for {which}: look at what passes from one step to another."
    back = ("is right at its own step and wrong from one step back on" if m == 1 else
            f"is still right {m - 1} step{'s' * (m > 2)} back and wrong from {m} steps back on")
    return text + f"at step n it is right for {which}: an error {back}."
