"""Every row of every table of mistakes is triggered by some test: a row that is never reached may hold anything."""

import re
import sys

import test_exercises_after_gates as after_gates
import test_exercises_autograd as autograd
import test_exercises_basics as basics
import test_exercises_bptt as bptt
import test_exercises_bptt_in_code as bptt_in_code
import test_exercises_characters as characters
import test_exercises_classification as classification
import test_exercises_gates as gates
import test_exercises_gradient_checking as gradient_checking
import test_exercises_sine as sine
import test_exercises_vanishing as vanishing

from rnn_lib.exercises import verdict

TESTS = [  # those that hand in known mistakes
    after_gates.test_walk_by_scan_wrong, basics.test_each_answer_gets_its_kind,
    basics.test_check_forward_names_each_mistake,
    basics.test_check_forward_names_each_form_of_a_mistake, bptt.test_dz_by_pencil, bptt.test_back_through_sigmoid,
    bptt.test_a_nudge_of_your_own, bptt.test_a_nudge_given_as_a_slope, bptt.test_count_paths,
    bptt_in_code.test_initial_state_gradient, bptt_in_code.test_weight_gradients,
    bptt_in_code.test_each_gradient_alone_is_scaled_or_turned, bptt_in_code.test_stacked_gradients,
    characters.test_measures_wrong, characters.test_bigram_losses_wrong, characters.test_temper_wrong,
    characters.test_draw_wrong, characters.test_top_k_wrong, classification.test_classic_mistakes_get_their_name,
    gradient_checking.test_mistakes_are_recognised, sine.test_windows_wrong, sine.test_training_loop_wrong,
    sine.test_adam_step_wrong, sine.test_free_run_wrong, sine.test_split_wrong,
    vanishing.test_jacobian_wrong, vanishing.test_clip_wrong,
    vanishing.test_truncated_wrong, gates.test_lstm_step_wrong, gates.test_gate_counts_wrong,
    autograd.test_divide_wrong, autograd.test_undo_wrong, autograd.test_keras_wrong,
]
MODULES = [
    "after_gates", "autograd", "bptt", "bptt_in_code", "characters", "classification", "forward_pass", "gates",
    "gradient_checking", "shapes", "sine_wave", "start_here", "training_loop", "vanishing",
]


def cases(test):
    """The arguments that a test is run with."""
    marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
    if not marks:
        return [()]
    names, values = marks[0].args
    return [(value,) if isinstance(names, str) and "," not in names else tuple(value) for value in values]


def well_written(advice):
    """True if the last sentence ends, each behind the first begins with a capital or a name, and none shouts."""
    ends = re.search(r"[.?][)`]*$|: \S+$", advice)
    return ends and not re.search(r"[.?] [a-z]{2,} ", advice) and not re.search(r"\b[A-Z]{2,} [A-Z]{2,}\b", advice)


def test_every_row_is_triggered(monkeypatch):
    rows, triggered, judge = set(), set(), verdict.judge

    def spy(name, got, expected, mistakes=(), **options):
        check, mistakes = sys._getframe(1).f_code.co_name, list(mistakes)
        rows.update((check, kind, advice) for kind, _, advice in mistakes)
        try:
            return judge(name, got, expected, mistakes, **options)
        except verdict.Verdict as found:
            triggered.add((check, found.report.kind, found.report.message))
            raise

    for name in MODULES:
        monkeypatch.setattr(f"rnn_lib.exercises.{name}.judge", spy)
    for test in TESTS:
        for case in cases(test):
            test(*case)
    assert len(rows) > 140
    assert rows - triggered == set()
    assert {advice for _, _, advice in rows if not well_written(advice)} == set()
