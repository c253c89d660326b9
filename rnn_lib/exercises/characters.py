"""Checks of notebook 10's exercises on models of text."""

import numpy as np

from rnn_lib.exercises.verdict import attempt, judge, require, returns_report, safe_describe
from rnn_lib.losses import softmax

__all__ = ["check_bigram_losses", "check_draw", "check_measures", "check_temper", "check_top_k"]


@returns_report
def check_measures(measures):
    """Check exercise 1: losses, (N,), in nats -> (perplexity, bits a character)."""
    losses = np.random.default_rng(3).exponential(1.7, size=50)
    got = attempt(measures, losses)
    require(isinstance(got, tuple | list) and len(got) == 2 and not isinstance(got, str), "wrong_type",
            f"expected two numbers, (perplexity, bits), got {safe_describe(got)}.")
    mean, total = losses.mean(), losses.sum()
    perplexity, bits = np.exp(mean), mean / np.log(2)
    judge("the perplexity", got[0], perplexity, [
        ("swapped", bits, "these are the bits: the perplexity comes first."),
        ("base_two", 2**mean, "the losses are natural logarithms: exp undoes them, 2 ** does not."),
        ("mean_of_exp", np.exp(losses).mean(), "first the mean of the losses, then exp: the perplexity is one over the "
         "*geometric* mean of the probabilities."),
        ("sum", np.exp(total), "a perplexity is per character: take the mean of the losses, not their sum."),
        ("one_over", np.exp(-mean), "this is the typical probability; the perplexity is one over it."),
        ("still_a_loss", mean, "this is the mean loss. The perplexity is exp of it."),
    ])
    judge("bits", got[1], bits, [
        ("nats", mean, "bits: this is in nats. One bit is ln 2 = 0.69 nats."),
        ("times_ln_2", mean * np.log(2), "bits: divide by ln 2. One nat is more than one bit, so the number grows."),
        ("log_of_loss", np.log2(mean), "bits: take log2 of the perplexity, not of the loss."),
        ("bits_sum", total / np.log(2), "bits: this is for the whole text; divide by the number of characters."),
    ])
    return "perplexity = exp(mean loss) = 2 ** bits: one number in two units."


@returns_report
def check_bigram_losses(bigram_losses):
    """Check exercise 2: (train, test, n_symbols) -> -ln p of test[1:], each given the symbol before it, counted."""
    rng = np.random.default_rng(4)
    K = 5
    train, test = rng.integers(K - 1, size=60), rng.integers(K - 1, size=12)
    test[-1] = K - 1  # a symbol that is never seen in training

    def losses(add=0.1, pairs=None, of=lambda counts, add: counts.sum(axis=1, keepdims=True) + add * K):
        counts = np.zeros((K, K))
        np.add.at(counts, (train[:-1], train[1:]) if pairs is None else pairs, 1)
        p = (counts + add) / of(counts, add)
        return -np.log(p[test[:-1], test[1:]])

    right = losses()
    occurrences = np.bincount(train, minlength=K)
    unigram = -np.log((occurrences + 0.1) / (len(train) + 0.1 * K))[test[1:]]
    both = np.concatenate([train, test])
    got = attempt(bigram_losses, train, test, K)
    judge("the losses", got, right, [
        ("probabilities", np.exp(-right), "these are the probabilities; the losses are -ln of them."),
        ("sign", -right, "the sign: ln p is negative, a loss is -ln p."),
        ("mean", right.mean(), "this is their mean; return one loss for each symbol of test[1:]."),
        ("bits", right / np.log(2), "these are bits: take the natural logarithm."),
        ("add_one", losses(1), "here 1 was added to every count, not 0.1."),
        ("denominator", losses(of=lambda counts, add: counts.sum(axis=1, keepdims=True) + add),
         "a row's probabilities must sum to one: 0.1 was added to each of its n_symbols counts, so add all of that "
         "below."),
        ("denominator_without", losses(of=lambda counts, add: counts.sum(axis=1, keepdims=True)),
         "a row's probabilities must sum to one: what is added above must be added below as well."),
        ("last_symbol", losses(of=lambda counts, add: occurrences[:, None] + add * K),
         "the last symbol of train has nobody after it, so it is no context: count contexts in train[:-1]."),
        ("joint", losses(of=lambda counts, add: counts.sum() + add * K * K),
         "this is how likely the pair is. How likely is the second symbol, *given* the first?"),
        ("columns", losses(of=lambda counts, add: counts.sum(axis=0, keepdims=True) + add * K),
         "divided by how often the second symbol occurs; divide by how often the first one does."),
        ("reversed", losses(pairs=(train[1:], train[:-1])), "the pairs are reversed: train[:-1] comes first."),
        ("unigram", unigram, "this looks at no context: it is the unigram's answer."),
        ("counted_test", losses(pairs=(both[:-1], both[1:])), "the test text was counted, too: that is what is asked."),
    ])
    return "counts of pairs, divided by the counts of their first symbol."


@returns_report
def check_temper(temper):
    """Check exercise 3: (logits, temperature) -> probabilities, along the last axis."""
    z = np.random.default_rng(5).normal(size=(4, 6)) * 3
    for name, temperature in (("temperature 0.5", 0.5), ("temperature 2", 2.0)):
        p = softmax(z)
        judge(name, attempt(temper, z, temperature), softmax(z / temperature), [
            ("multiplied", softmax(z * temperature), "the logits are *divided* by the temperature: a low one "
             "makes the choice surer."),
            ("ignored", p, "this is the answer at temperature 1. Dividing the *probabilities* and normalising "
             "again changes nothing: the logits are what is divided."),
            ("not_normalised", np.exp(z / temperature), "these do not sum to one. Divide by their sum."),
            ("probabilities_divided", p / temperature, "divide the logits, before the softmax."),
            ("softmax_twice", softmax(p / temperature), "the softmax was taken before, and once more after. "
             "Divide the logits themselves."),
            ("all_rows", np.exp(z / temperature) / np.exp(z / temperature).sum(), "each row sums to one by "
             "itself: `axis=-1, keepdims=True`."),
            ("logits", z / temperature, "these are logits still. The softmax is missing."),
        ])
    judge("temperature 0.001, where exp overflows", attempt(temper, z, 0.001), softmax(z / 0.001))
    return "low: nearly always the most likely; high: nearly all alike."


@returns_report
def check_draw(draw):
    """Check exercise 4: (p, u), u uniform from 0 to below 1 -> the number of the symbol drawn."""
    p = np.array([0.0, 0.02, 0.03, 0.1, 0.05, 0.6, 0.2])
    numbers = (0.03, 0.17, 0.5, 0.9, 0.0)
    got = [attempt(draw, p.copy(), u) for u in numbers]
    for u, symbol in zip(numbers, got, strict=True):
        require(not isinstance(symbol, bool) and np.ndim(symbol) == 0, "wrong_type",
                f"u = {u}: expected one whole number, got {safe_describe(symbol)}.")
    edges = p.cumsum()
    right = np.searchsorted(edges, numbers, side="right")
    asked = f"for p = {p.tolist()} and u = {', '.join(map(str, numbers))}"
    judge(f"{asked} the right symbols are {right.tolist()}: the answer", got, right, [
        ("zero_drawn", np.searchsorted(edges, numbers), "for u = 0 a symbol of probability 0 was drawn: take the first "
         "whose cumulative sum is *above* u."),
        ("one_before", right - 1, f"{asked}: one too early. Take the first symbol whose *cumulative* sum is above u."),
        ("off_by_one", right + 1, f"{asked}: one too far."),
        ("argmax", np.full(5, p.argmax()), "this is always the most likely symbol, whatever u is."),
        ("uniform", (np.array(numbers) * len(p)).astype(int), "this gives every symbol the same chance. Use p."),
    ])
    tenth = np.full(10, 0.1)  # adds up to 0.9999999999999999
    last = attempt(draw, tenth, np.nextafter(1, 0))
    judge("ten symbols of 0.1, whose sum is 0.9999999999999999, and u as large", last, 9, [
        ("past_the_end", 10, "p sums to 0.9999999999999999 here, and u is as large: this is past the last "
         "symbol. Take at most len(p) - 1."),
    ])
    return "a stretch of the line from 0 to 1 for each symbol, as long as it is likely."


@returns_report
def check_top_k(top_k):
    """Check exercise 5: (p, k) -> the probabilities when only the k most likely may be drawn."""
    p = np.array([0.05, 0.3, 0.02, 0.4, 0.13, 0.1])
    order = np.argsort(-p)
    for k in (2, 4, 6):
        kept = np.where(np.isin(np.arange(6), order[:k]), p, 0)
        least = np.where(np.isin(np.arange(6), order[-k:]), p, 0)
        got = attempt(top_k, p.copy(), k)
        judge(f"k = {k}", got, kept / kept.sum(), [
            ("not_normalised", kept, "the right ones are kept. Now they must sum to one again."),
            ("least", least / least.sum(), "the least likely were kept: argsort begins with the smallest."),
            ("sorted", np.sort(p)[::-1][:k] / kept.sum(), "only the kept ones came back, in another order. "
             "Every symbol keeps its place; the others get 0."),
            ("equal", (kept > 0) / k, "the kept ones share equally. They should keep their proportions."),
            ("first_k", np.where(np.arange(6) < k, p, 0) / p[:k].sum(), "these are the first k symbols, not "
             "the k most likely."),
        ])
    return "the tail is cut, the rest keeps its proportions."
