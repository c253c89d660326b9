"""Checks of notebook 12's exercises, after the gates."""

import numpy as np

from rnn_lib import RNN
from rnn_lib.bugs.mingru import MINGRU_SUBJECT
from rnn_lib.exercises.counted import calculations
from rnn_lib.exercises.diagnosis import diagnose
from rnn_lib.exercises.verdict import (
    Verdict,
    attempt,
    is_unfilled,
    judge,
    require,
    require_dict,
    returns_report,
    safe_describe,
)
from rnn_lib.race import shares

__all__ = ["check_mingru_backward", "check_modulo_three", "check_race", "check_walk_by_scan"]

KNOWN = 0.95  # of the answers, with all three starts: the table's bold entries


@returns_report
def check_race(predictions):
    """Check exercise 3: which of four networks answer a question with all three starts? {question: list of names}.

    The answers are those of the stored table.
    """
    table, networks = shares(), ("RNN", "GRU", "minGRU", "attention")
    right = {question.replace("\n", " "): {name for name in networks if min(table[name][question]) > KNOWN}
             for question in ("parity\nat 1000", "marked recall\nat 100", "unmarked recall\nat 30")}
    require_dict("predictions", predictions, right, of="lists of names")
    empty = [question for question, names in predictions.items() if is_unfilled(names)]
    require(not empty, "not_started", f"{'; '.join(empty)}: write a list of names.")
    for question, names in predictions.items():
        are_names = isinstance(names, list | tuple | set) and all(isinstance(name, str) for name in names)
        require(are_names, "wrong_type", f"{question}: expected a list of names, got {safe_describe(names)}.")
        for name in sorted(set(names) - set(networks)):
            raise Verdict("wrong_keys", f"{question}: expected names out of {', '.join(networks)}, got {name!r:.40}.")
    missed = [f"{name}, {question}" for question in right for name in networks
              if (name in predictions[question]) != (name in right[question])]
    n_answers = len(right) * len(networks)
    require(not missed, "surprise", f"{n_answers - len(missed)} of {n_answers} as measured. Not so: "
            f"{'; '.join(missed)}. Read on to see why, or change them and go on.")
    return f"all {n_answers} as measured."


def solve(a, u):
    """Return h with h_t = a_t h_{t-1} + u_t from h_0 = 0, step by step."""
    h = u.copy()
    for t in range(1, len(h)):
        h[t] += a[t] * h[t - 1]
    return h


@returns_report
def check_walk_by_scan(walk_by_scan):
    """Check exercise 1: dL/dh_t of all steps, (T, B, H), from road 1 and the multipliers, in about log2 T rounds."""
    rng = np.random.default_rng(12)
    for T in (7, 1, 2, 64):
        road_1, a = rng.normal(size=(T, 3, 4)), rng.uniform(-0.2, 1, (T, 3, 4))

        later = np.concatenate([a[1:], 0 * a[:1]])

        def walk(multiplier, road_1=road_1):
            return solve(np.concatenate([multiplier[1:], 0 * multiplier[:1]])[::-1], road_1[::-1])[::-1]

        got = attempt(walk_by_scan, road_1, a, hints={ValueError: "If it is about shapes: both arrays keep all T steps,"
                                                      " with a 0 where the multiplier of a step T + 1 would stand."})
        require(not isinstance(got, tuple), "pair", "scan returns the states and the rounds: take the first, [0].")
        remark = judge(f"T = {T}", got, walk(a), [
            ("wrong_direction", solve(a, road_1), "that is the scan forward in time. The error comes from later "
             "steps: turn both arrays round, and turn the result back."),
            *(("wrong_direction", solve(shifted, road_1), "neither array is turned round in time. An error runs "
               "backward: turn both round, and turn the result back.")
              for shifted in (later, np.concatenate([0 * a[:1], a[:-1]]))),
            ("not_turned_back", walk(a)[::-1], "the result still runs backward in time: turn it round again."),
            ("multiplier_off_by_one", walk(np.concatenate([a[:1], a[:-1]])),
             "the multiplier belongs to another step. What comes back to step t went through step t + 1's."),
            *(("shifted_wrong_way", walk(shifted),
               "the multipliers are shifted the wrong way: step t needs that of step t + 1.")
              for shifted in (np.concatenate([0 * a[:2], a[:-2]]), np.roll(a, 2, axis=0))),
            ("one_not_turned", solve(later[::-1], road_1)[::-1],
             "road 1 was not turned round, but the multipliers were. Both must run backward in time."),
            ("one_not_turned", solve(later, road_1[::-1])[::-1],
             "the multipliers were not turned round, but road 1 was. Both must run backward in time."),
            ("swapped", solve(road_1[::-1], later[::-1])[::-1],
             "scan's arguments are swapped: the multipliers come first, then what comes in."),
            ("carry_missing", road_1, "this is road 1 alone: nothing came back from later steps."),
            ("one_round", road_1 + np.concatenate([a[1:] * road_1[1:], 0 * a[:1]]),
             "that is one round: each step knows of one later step only."),
        ])
    calls = calculations(walk_by_scan, (1024, 1, 1), (1024, 1, 1))
    require(calls < 500, "loop", f"right, but 1024 steps took {calls} calculations, one after the other. A scan needs "
            "ten rounds of a few.")
    return "a walk back through 1024 steps in ten rounds." + remark


@returns_report
def check_mingru_backward(backward):
    """Check exercise 2: (params, X, hidden_states, dY) -> the six gradients of a MinGRU."""
    return diagnose(MINGRU_SUBJECT, backward)


@returns_report
def check_modulo_three(params):
    """Check exercise 4: the five weights of RNN(1, 3, 1) whose output is the number of ones so far, modulo 3."""
    model = RNN(1, 3, 1)
    require_dict("params", params, model.params, of="arrays")
    empty = [name for name, value in params.items() if is_unfilled(value)]
    require(not empty, "not_started", f"{', '.join(empty)}: write the numbers.")
    try:
        model.set_params(params)
    except (TypeError, ValueError) as error:
        require(False, "wrong_shape", f"{error}.".replace("values", "params", 1))
    bits = np.random.default_rng(3).integers(2, size=(3000, 20, 1))
    count = bits.cumsum(axis=0)
    Y = model.forward(bits)
    off = np.abs(Y - count % 3)
    if off.max() < 0.4:
        return f"right at all 3000 steps, {off.max():.0e} off at most. It would go on for ever."
    require(np.abs(Y - count % 2).max() > 0.4, "modulo_two", "this counts modulo 2, as in the lesson.")
    weights, g = model.params, model.params["W_xh"][0, 0]
    b_h, W_hh, W_hy = (weights[name] for name in ("b_h", "W_hh", "W_hy"))

    def taking_back(W):
        """W, whose third unit takes back what the first two give."""
        return np.column_stack([W[:, :2], -W[:, :2].sum(axis=1)])

    for kind, change, advice in [
        ("gain_missing", {"W_hh": g * W_hh}, "W_hh lacks the gain: the count stands inside the bracket with "
         "x, and is multiplied by it, too."),
        ("gain_missing", {"b_h": g * b_h}, "b_h lacks the gain: the threshold stands inside the bracket with x, and is "
         "multiplied by it, too."),
        ("gain_missing", {"W_xh": -2 * b_h[:1].repeat(3)[:, None]}, "W_xh lacks the gain: x stands inside the bracket "
         "with the threshold, and is multiplied by it, too."),
        ("gain_too_small", {name: 10 * weights[name] for name in ("W_xh", "W_hh", "b_h")}, "the gain is too small: "
         "the units are not near enough to ±1, and the count drifts off."),
        ("read_out", {"W_hy": W_hh[:1] / (g or 1)}, "the units count rightly, but the output does not read them as "
         "W_hh does: r is the same sum in both."),
        ("not_halved", {"W_hh": W_hh / 2, "W_hy": W_hy / 2}, "the sums are twice too large: from -1 to +1 a unit "
         "goes by 2, and the count by 1."),
        ("third_unit", {"W_hh": taking_back(W_hh), "W_hy": taking_back(W_hy)}, "the third unit does not take back what "
         "the first two have given. At x + r = 3 all three are +1, and the sum must be 0 there."),
        ("thresholds", {"b_h": b_h + g / 2}, "the thresholds lie on the counts themselves, where tanh is 0. "
         "Put them half way between two counts."),
        ("transposed", {"W_hh": W_hh.T}, "W_hh is transposed: its rows are the units that read, and each "
         "row holds the same sum."),
        ("sign", {"b_h": -b_h}, "the sign of b_h: a unit says whether x + r is *above* its threshold."),
    ]:
        mended = RNN(1, 3, 1).set_params(weights | change).forward(bits)
        require(np.abs(mended - count % 3).max() >= 0.4, kind, advice)
    wrong = ~(off[:, :, 0] < 0.4)                                     # (step, sequence)
    first = int(wrong.any(axis=1).argmax()) + 1
    one = int(wrong[first - 1].argmax())                              # a sequence where it is wrong
    raise Verdict("unknown", f"after the bits {bits[:first, one, 0].tolist()} the units are "
                  f"{model.hidden_states[first, one].round(2).tolist()} and the output is {Y[first - 1, one, 0]:.2f}; "
                  f"the count modulo 3 is {count[first - 1, one, 0] % 3}. Follow the three units on paper.")
