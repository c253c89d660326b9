"""A panel's functions and the race's, called in a notebook: a wrong setting is refused, never taken for another.

tests/test_bad_input.py has the library's own functions.
"""

import numpy as np
import pytest

from rnn_lib import playgrounds, race

RNG = np.random.default_rng(0)
RACER = race.make_racer("marked recall", "GRU", 10)


@pytest.mark.parametrize("call, words", [
    (lambda: playgrounds.run_lag(activation="ReLU"), "activation: expected one of 'tanh', 'none .linear.', got 'ReLU'"),
    (lambda: playgrounds.run_backward_walk(error_at="last"), "error_at: expected one of 'every step', .*, got 'last'"),
    (lambda: playgrounds.run_backward_walk(steps_back=5), "steps_back: expected a whole number from 0 to 4, got 5"),
    (lambda: playgrounds.run_unroll(step=-1), "step: expected a whole number from 0 to 6, got -1"),
    (lambda: playgrounds.run_unroll(step=7), "step: expected a whole number from 0 to 6, got 7"),
    (lambda: playgrounds.descend_cliff(clip_norm=0.0), "max_norm: expected a finite number above 0, got 0.0"),
    (lambda: playgrounds.descend_cliff(steps=0), "steps: expected a whole number at least 1, got 0"),
    (lambda: playgrounds.run_shapes(T=0), "T: expected a whole number at least 1, got 0"),
    (lambda: playgrounds.run_shapes(O=-1), "O: expected a whole number at least 1, got -1"),
    (lambda: playgrounds.run_units(unit=-1), "unit: expected a whole number from 0 to 207, got -1"),
    (lambda: playgrounds.scores(RNG.normal(size=(4, 2)), [[False] * 4]),
     "marks: expected letters inside and outside in each row, got 0 of 4 inside"),
    (lambda: playgrounds.run_units(start=10**7), "start: expected a whole number from 0 to [0-9]+, got 10000000"),
    (lambda: playgrounds.train_recall("lstm"), "model: expected one of 'RNN', 'RNN, orthogonal', .*, got 'lstm'"),
    (lambda: playgrounds.train_recall(lag=120), "lag: expected a whole number from 1 to 119, got 120"),
    (lambda: playgrounds.train_recall(lag=0), "lag: expected a whole number from 1 to 119, got 0"),
    (lambda: playgrounds.train_recall(epochs=0), "epochs: expected a whole number at least 1, got 0"),
    (lambda: race.draw_sequences("marked_recall", 2, 4, RNG), "task: expected one of 'parity', .*, got 'marked_rec"),
    (lambda: race.ask(RACER, "marked_recall", 5), "task: expected one of 'parity', .*, got 'marked_recall'"),
    (lambda: race.teach(RACER, "recall", 5), "task: expected one of 'parity', .*, got 'recall'"),
    (lambda: race.long_memory(RACER, 1), "max_lag: expected a whole number at least 2, got 1"),
    (lambda: race.run_race(task="recall"), "task: expected one of 'parity', .*, got 'recall'"),
    (lambda: race.run_race(epochs=0), "epochs: expected a whole number at least 1, got 0"),
])
def test_a_wrong_setting_is_refused_by_name(call, words):
    with pytest.raises(ValueError, match=f"^{words}"):
        call()
