"""Check of the exercise in notebook 07 on learning a batch by heart."""

import numpy as np

from rnn_lib import RNN, data
from rnn_lib.exercises.verdict import as_numbers, call, require, returns_report, safe_describe

__all__ = ["check_learns_by_heart"]


class Frozen(RNN):
    """An RNN whose weights never move."""

    def backward(self, dY):
        """Return zeros."""
        return {name: 0 * g for name, g in super().backward(dY).items()}


class Uphill(RNN):
    """An RNN with a sign error."""

    def backward(self, dY):
        """Return the gradients' negatives."""
        return {name: -g for name, g in super().backward(dY).items()}


class Forgetful(RNN):
    """An RNN that begins anew at every step."""

    def forward(self, X, state=None):
        """Run each step of each sequence as a sequence of its own."""
        Y = super().forward(np.reshape(X, (1, -1, self.input_size)))
        return Y.reshape(*X.shape[:2], -1)

    def backward(self, dY):
        """Return the gradients of that."""
        return super().backward(np.reshape(dY, (1, -1, self.output_size)))


PATIENTS = {  # kind: (network, what the test must say of it, what is said of a test that does not)
    "healthy": (RNN, True, "calls a healthy RNN broken: when your training is over, it does not have all eight right. "
                "Does it look at the last step alone? Or are more epochs needed, or a larger learning rate? (With Adam "
                "at 0.01, one of our three starts needs about 40.)"),
    "frozen": (Frozen, False, "passes a network whose weights never move. Train the model that you are given, and "
               "look at what it answers afterwards."),
    "uphill": (Uphill, False, "passes a network whose gradients have the wrong sign. What does your function compare "
               "at its end?"),
    "forgetful": (Forgetful, False, "passes a network that forgets every symbol at once. Its loss does fall, to that "
                  "of the best guess: ask whether all eight are right."),
}


@returns_report
def check_learns_by_heart(learns_by_heart):
    """Check exercise 4: `learns_by_heart(model, X, labels)` trains, and tells whether every label is right then."""
    X, labels = data.first_symbol(8, length=6, seed=1)
    for kind, (network, healthy, advice) in PATIENTS.items():
        for seed in range(3) if healthy else [0]:
            got = call(learns_by_heart, network(4, 16, 4, seed=seed), X.copy(), labels.copy())
            is_truth = isinstance(got, bool | np.bool_) or np.ndim(got) == 0 and as_numbers(got) in (0, 1)
            require(is_truth, "wrong_type", f"expected True or False, got {safe_describe(got)}.")
            require(bool(got) == healthy, kind, f"your test {advice}")
    return ("it passes healthy networks, and finds three that are ill: frozen weights, a wrong sign, no memory. It "
            "takes a moment, and says nothing about sequences that were not in the batch, and little about gradients: "
            "most of the wrong ones in notebook 05's clinic pass it.")
