"""The checks of notebook 10's exercises: right answers pass, known mistakes are named, nothing raises."""

import itertools

import numpy as np
import pytest
from oracles import Awkward, refuse_all

from rnn_lib import exercises
from rnn_lib.losses import softmax

CHECKS = (exercises.check_measures, exercises.check_bigram_losses, exercises.check_temper, exercises.check_draw,
          exercises.check_top_k)
DICE = itertools.cycle(range(7))


RUBBISH = [
    None, ..., -3, "text", [], {}, np.ones(2), True, Awkward(), lambda *args: 1 / 0, lambda *args: "text",
    lambda *args: "ab", lambda *args: {}, lambda *args: np.full((4, 6), np.nan), lambda *args: Awkward(),
    lambda *args: (Awkward(), 1), lambda: 1, lambda *args: True, lambda *args: (1, 2),
]


@pytest.mark.parametrize("check", CHECKS)
def test_no_answer_raises_or_passes_by_accident(check):
    refuse_all(check, RUBBISH)


def test_stubs_are_not_started():
    for check in CHECKS:
        assert check(lambda *args: None).kind == "not_started"


def measures(losses):
    return np.exp(losses.mean()), losses.mean() / np.log(2)


def bigram(train, test, K, add=0.1):
    counts = np.full((K, K), add)
    for a, b in zip(train[:-1], train[1:], strict=True):
        counts[a, b] += 1
    p = counts / counts.sum(axis=1, keepdims=True)
    return -np.log(p[test[:-1], test[1:]])


def draw(p, u):
    return min(int((p.cumsum() <= u).sum()), len(p) - 1)


def top_k(p, k):
    kept = np.zeros_like(p)
    best = np.argsort(-p)[:k]
    kept[best] = p[best]
    return kept / kept.sum()


def temper(logits, temperature):
    return softmax(logits / temperature)


def test_right_answers_pass():
    assert exercises.check_measures(measures).passed
    assert exercises.check_measures(lambda losses: [2 ** np.log2(np.exp(losses).prod() ** (1 / len(losses))),
                                                    np.log2(np.exp(losses.mean()))]).passed
    assert exercises.check_bigram_losses(bigram).passed
    assert exercises.check_temper(temper).passed
    assert exercises.check_draw(draw).passed
    assert exercises.check_draw(lambda p, u: np.int64(draw(p, u))).passed
    assert exercises.check_top_k(top_k).passed


@pytest.mark.parametrize("kind, answer", [
    ("swapped", lambda x: measures(x)[::-1]),
    ("base_two", lambda x: (2 ** x.mean(), 1)),
    ("mean_of_exp", lambda x: (np.exp(x).mean(), 1)),
    ("sum", lambda x: (np.exp(x.sum()), 1)),
    ("one_over", lambda x: (np.exp(-x.mean()), 1)),
    ("still_a_loss", lambda x: (x.mean(), 1)),
    ("still_a_loss", lambda x: (np.exp(x.mean()), x.mean())),
    ("median", lambda x: (np.exp(np.median(x)), 1)),
    ("median", lambda x: (np.exp(x.mean()), np.median(x) / np.log(2))),
    ("base_ten", lambda x: (np.exp(x.mean()), np.log10(np.exp(x.mean())))),
    ("times_ln_2", lambda x: (np.exp(x.mean()), x.mean() * np.log(2))),
    ("halved", lambda x: (np.exp(x.mean()), x.mean() / 2)),
    ("log_of_loss", lambda x: (np.exp(x.mean()), np.log2(x.mean()))),
    ("perplexity_divided", lambda x: (np.exp(x.mean()), np.exp(x.mean()) / np.log(2))),
    ("bits_sum", lambda x: (np.exp(x.mean()), x.sum() / np.log(2))),
    ("unknown", lambda x: (17.0, 1)),
    ("wrong_type", lambda x: np.exp(x.mean())),
])
def test_measures_wrong(kind, answer):
    assert exercises.check_measures(answer).kind == kind


def counted(train, test, K, add=0.1, below=lambda counts, add: counts.sum(axis=1, keepdims=True) + add * 5):
    counts = np.zeros((K, K))
    np.add.at(counts, (train[:-1], train[1:]), 1)
    return -np.log(((counts + add) / below(counts, add))[test[:-1], test[1:]])


def table(train, K):
    return np.array([bigram(train, np.array([a, b]), K)[0] for a in range(K) for b in range(K)]).reshape(K, K)


def table_of(texts, K):
    counts = np.full((K, K), 0.1)
    for text in texts:
        np.add.at(counts, (text[:-1], text[1:]), 1)
    return counts


def bigram_of(texts, test, K):
    counts = table_of(texts, K)
    return -np.log((counts / counts.sum(axis=1, keepdims=True))[test[:-1], test[1:]])


def at_once(train, test, K):
    counts = np.full((K, K), 0.1)
    counts[train[:-1], train[1:]] += 1  # a pair that occurs again is not added again
    return -np.log((counts / counts.sum(axis=1, keepdims=True))[test[:-1], test[1:]])


@pytest.mark.parametrize("kind, answer", [
    ("probabilities", lambda *a: np.exp(-bigram(*a))),
    ("sign", lambda *a: -bigram(*a)),
    ("mean", lambda *a: bigram(*a).mean()),
    ("bits", lambda *a: bigram(*a) / np.log(2)),
    ("add_one", lambda *a: bigram(*a, add=1)),
    ("denominator", lambda *a: counted(*a, below=lambda c, add: c.sum(axis=1, keepdims=True) + add)),
    ("denominator_without", lambda *a: counted(*a, below=lambda c, add: c.sum(axis=1, keepdims=True))),
    ("last_symbol", lambda train, test, K: counted(
        train, test, K, below=lambda c, add: np.bincount(train, minlength=K)[:, None] + add * K)),
    ("joint", lambda *a: counted(*a, below=lambda c, add: c.sum() + add * 25)),
    ("columns", lambda *a: counted(*a, below=lambda c, add: c.sum(axis=0, keepdims=True) + add * 5)),
    ("reversed", lambda train, test, K: bigram(train[::-1], test, K)),
    ("unigram", lambda train, test, K: -np.log((np.bincount(train, minlength=K) + 0.1) / (60 + 0.1 * K))[test[1:]]),
    ("counted_test", lambda train, test, K: bigram(np.concatenate([train, test]), test, K)),
    ("counted_test", lambda train, test, K: bigram_of([train, test], test, K)),
    ("unigram", lambda train, test, K: (lambda c: -np.log(c.sum(axis=0) / c.sum()))(table_of([train], K))[test[1:]]),
    ("nothing_added", lambda *a: counted(*a, add=0)),
    ("only_test", lambda train, test, K: bigram(test, test, K)),
    ("asked_train", lambda train, test, K: bigram(train, train, K)),
    ("all_by_all", lambda train, test, K: table(train, K)[test[:-1]][:, test[1:]]),
    ("look_up", lambda train, test, K: table(train, K)[test[1:], test[:-1]]),
    ("keepdims", lambda *a: counted(*a, below=lambda c, add: c.sum(axis=1) + add * 5)),
    ("not_divided", lambda *a: counted(*a, below=lambda c, add: 1)),
    ("counted_once", at_once),
    ("added_after", lambda *a: -np.log(np.exp(-counted(*a, add=0)) + 0.1)),
    ("unknown", lambda *a: 2 * bigram(*a)),
])
def test_bigram_losses_wrong(kind, answer):
    assert exercises.check_bigram_losses(answer).kind == kind


@pytest.mark.parametrize("kind, answer", [
    ("multiplied", lambda z, t: softmax(z * t)),
    ("multiplied", lambda z, t: softmax(z) ** t / (softmax(z) ** t).sum(axis=-1, keepdims=True)),
    ("ignored", lambda z, t: softmax(z) / t / (softmax(z) / t).sum(axis=-1, keepdims=True)),
    ("not_normalised", lambda z, t: np.exp(z / t)),
    ("probabilities_divided", lambda z, t: softmax(z) / t),
    ("softmax_twice", lambda z, t: softmax(softmax(z) / t)),
    ("all_rows", lambda z, t: np.exp(z / t) / np.exp(z / t).sum()),
    ("not_normalised", lambda z, t: np.exp(z / t - (z / t).max(axis=-1, keepdims=True))),
    ("not_normalised", lambda z, t: np.exp(z / t - (z / t).max())),
    ("not_normalised", lambda z, t: softmax(z) ** (1 / t)),
    ("all_rows", lambda z, t: (lambda e: e / e.sum())(np.exp((z - z.max(axis=-1, keepdims=True)) / t))),
    ("columns", lambda z, t: np.exp(z / t) / np.exp(z / t).sum(axis=0)),
    ("logarithms", lambda z, t: np.log(softmax(z / t))),
    ("second_axis", lambda z, t: np.exp(z / t) / np.exp(z / t).sum(axis=1, keepdims=True)),
    ("unknown", lambda z, t: softmax(z / t) if z.ndim > 1 else softmax(z)),
    ("logits", lambda z, t: z / t),
    ("not_finite", lambda z, t: np.exp(z / t) / np.exp(z / t).sum(axis=-1, keepdims=True)),
    ("unknown", lambda z, t: softmax(z / t**2)),
])
def test_temper_wrong(kind, answer):
    report = exercises.check_temper(lambda z, t: temper(z, t) if kind == "not_finite" and t > 0.1 else answer(z, t))
    assert report.kind == kind


@pytest.mark.parametrize("only", [0.5, 2.0])
def test_each_temperature_is_looked_at(only):
    report = exercises.check_temper(lambda z, t: temper(z, t * (1 + 0.3 * (t == only))))
    assert report.kind == "unknown" and f"temperature {only:g}" in report.message


@pytest.mark.parametrize("kind, answer", [
    ("zero_drawn", lambda p, u: min(int((p.cumsum() < u).sum()), len(p) - 1)),
    ("one_before", lambda p, u: draw(p, u) - 1),
    ("off_by_one", lambda p, u: draw(p, u) + 1),
    ("argmax", lambda p, u: int(p.argmax())),
    ("uniform", lambda p, u: int(u * len(p))),
    ("past_the_end", lambda p, u: int((p.cumsum() <= u).sum())),
    ("argmax_of_nothing", lambda p, u: np.argmax(p.cumsum() > u)),
    ("nearest", lambda p, u: abs(p.cumsum() - u).argmin()),
    ("nearest", lambda p, u: abs(p - u).argmin()),
    ("no_sum", lambda p, u: int((p <= u).sum())),
    ("above", lambda p, u: int((p.cumsum() > u).sum())),
    ("sorted", lambda p, u: draw(np.sort(p), u)),
    ("sorted", lambda p, u: draw(np.sort(p)[::-1], u)),
    ("unknown", lambda p, u: 77),
    ("wrong_type", lambda p, u: p),
    ("wrong_type", lambda p, u: float(draw(p, u))),
    ("wrong_type", lambda p, u: True),
    ("own_dice", lambda p, u: next(DICE)),
])
def test_draw_wrong(kind, answer):
    assert exercises.check_draw(answer).kind == kind


@pytest.mark.parametrize("u", [0.03, 0.12, 0.7, 0.97, 0.0])
def test_each_number_is_looked_at(u):
    assert exercises.check_draw(lambda p, v: draw(p, v) + (v == u)).kind == "unknown"


@pytest.mark.parametrize("kind, answer", [
    ("not_normalised", lambda p, k: top_k(p, k) * p[np.argsort(-p)[:k]].sum()),
    ("least", lambda p, k: np.where(p <= np.sort(p)[k - 1], p, 0) / np.sort(p)[:k].sum()),
    ("tail", lambda p, k: np.where(p < np.sort(p)[-k], p, 0) / max(p[p < np.sort(p)[-k]].sum(), 1e-9)),
    ("sorted", lambda p, k: np.sort(p)[::-1][:k] / np.sort(p)[::-1][:k].sum()),
    ("sorted", lambda p, k: np.sort(p)[-k:] / np.sort(p)[-k:].sum()),
    ("equal", lambda p, k: (top_k(p, k) > 0) / k),
    ("first_k", lambda p, k: np.where(np.arange(6) < k, p, 0) / p[:k].sum()),
    ("to_the_front", lambda p, k: np.sort(top_k(p, k))[::-1]),
    ("one_more", lambda p, k: top_k(p, k + 1)),
    ("one_fewer", lambda p, k: np.where(p > np.sort(p)[-k], p, 0) / p[p > np.sort(p)[-k]].sum()),
    ("dropped_k", lambda p, k: top_k(p, len(p) - k)),
    ("softmax", lambda p, k: softmax(np.where(p >= np.sort(p)[-k], p, 0))),
    ("softmax", lambda p, k: np.exp(p) * (p >= np.sort(p)[-k]) / np.exp(p)[p >= np.sort(p)[-k]].sum()),
    ("tie", lambda p, k: np.where(p >= np.sort(p)[-k], p, 0) / p[p >= np.sort(p)[-k]].sum()),
    ("unknown", lambda p, k: 2 * p + k),
])
def test_top_k_wrong(kind, answer):
    assert exercises.check_top_k(answer).kind == kind


@pytest.mark.parametrize("only", [2, 4, 6])
def test_each_k_is_looked_at(only):
    report = exercises.check_top_k(lambda p, k: top_k(p, k) + (k == only))
    assert report.kind == "unknown" and f"k = {only}" in report.message


def test_a_draw_past_the_last_letter_and_one_shift_for_all_rows_are_told():
    nothing = exercises.check_draw(lambda p, u: next(i for i, end in enumerate(p.cumsum()) if end > u))
    assert nothing.kind == "exception" and "Return the last letter" in str(nothing)

    def one_shift(z, t):
        e = np.exp((z - z.max()) / t)
        return e / e.sum(axis=-1, keepdims=True)

    report = exercises.check_temper(one_shift)
    assert report.kind == "not_finite" and "one shift for all rows" in str(report)
