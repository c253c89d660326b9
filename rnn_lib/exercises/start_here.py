"""The check of the trial in notebook 00."""

from rnn_lib.exercises.verdict import judge, returns_report

__all__ = ["check_trial"]


@returns_report
def check_trial(answer):
    """Check the trial of notebook 00: how many hidden states does an RNN have that reads T = 5 steps?"""
    mistakes = [
        ("initial_state_missing", 5, "5 states follow the 5 steps. What did the first step start from?"),
        ("state_missing", 4, "every one of the 5 steps makes a state, the last one too. Which one comes before them?"),
        ("one_too_many", 7, "5 states follow the 5 steps. How many come before the first step?"),
    ]
    judge("answer", answer, 6, mistakes)
    return "the initial state, h_0, and one state after each of the 5 steps."
