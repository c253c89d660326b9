"""Checks of notebook 10's exercises on models of text."""

import numpy as np

from rnn_lib.exercises.verdict import as_numbers, attempt, judge, require, returns_report, safe_describe
from rnn_lib.losses import softmax

__all__ = ["check_bigram_losses", "check_draw", "check_measures", "check_temper", "check_top_k"]


@returns_report
def check_measures(measures):
    """Check exercise 1: losses, (N,), natural logarithms -> (perplexity, bits a letter)."""
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
        ("median", np.exp(np.median(losses)), "this is exp of the *median*. A rare letter that was not expected must "
         "count with all of its loss: take the mean."),
        ("sum", np.exp(total), "a perplexity is per letter: take the mean of the losses, not their sum."),
        ("one_over", np.exp(-mean), "this is the typical probability; the perplexity is one over it."),
        ("still_a_loss", mean, "this is the mean loss. The perplexity is exp of it."),
    ])
    judge("bits", got[1], bits, [
        ("still_a_loss", mean, "bits: this is the mean loss, in natural logarithms. Divide it by ln 2 = 0.69."),
        ("times_ln_2", mean * np.log(2), "bits: this was multiplied by ln 2. Divide by it: there are more bits."),
        ("base_ten", mean / np.log(10), "bits: these are decimal digits. For bits divide by ln 2, not ln 10."),
        ("median", np.median(losses) / np.log(2), "bits: this is from the median of the losses. Take their mean."),
        ("halved", mean / 2, "bits: the loss was divided by 2. Divide it by ln 2 = 0.69."),
        ("log_of_loss", np.log2(mean), "bits: take log2 of the perplexity, not of the loss."),
        ("perplexity_divided", perplexity / np.log(2), "bits: this is the perplexity divided by ln 2. Divide the mean "
         "loss."),
        ("bits_sum", total / np.log(2), "bits: this is for the whole text; divide by the number of letters."),
    ])
    return "perplexity = exp(mean loss) = 2 ** bits: one number in two units."


@returns_report
def check_bigram_losses(bigram_losses):
    """Check exercise 2: (train, test, n_symbols) -> -ln p of test[1:], each given the letter before it, counted."""
    rng = np.random.default_rng(4)
    K = 5
    train, test = rng.integers(K - 1, size=60), rng.integers(K - 1, size=12)
    test[-1] = K - 1  # a letter that is never seen in training

    asked = test[:-1], test[1:]

    def losses(add=0.1, pairs=None, of=lambda counts, add: counts.sum(axis=1, keepdims=True) + add * K, asked=asked,
               most=np.inf):
        counts = np.zeros((K, K))
        np.add.at(counts, (train[:-1], train[1:]) if pairs is None else pairs, 1)
        p = (np.minimum(counts, most) + add) / of(np.minimum(counts, most), add)
        return -np.log(p[asked])

    right = losses()
    shares = np.exp(-losses(0))  # without the 0.1: 0 for a pair that was never seen
    occurrences = np.bincount(train, minlength=K)
    unigram = -np.log((occurrences + 0.1) / (len(train) + 0.1 * K))[test[1:]]
    seconds = np.bincount(train[1:], minlength=K) + 0.1 * K  # the table's columns, summed
    column = -np.log(seconds / seconds.sum())[test[1:]]
    both = np.concatenate([train, test])
    got = attempt(bigram_losses, train, test, K)
    array = as_numbers(got)
    bare = array is not None and array.shape == right.shape and np.isposinf(array).any()
    require(not bare, "nothing_added", "a pair that train never has gets probability 0 and an infinite loss: add 0.1 "
            "to every count.")
    judge("the array of losses", got, right, [
        ("probabilities", np.exp(-right), "these are the probabilities; the losses are -ln of them."),
        ("sign", -right, "the sign: ln p is negative, a loss is -ln p."),
        ("mean", right.mean(), "this is their mean; return one loss for each letter of test[1:]."),
        ("bits", right / np.log(2), "these are bits: take the natural logarithm."),
        ("add_one", losses(1), "here 1 was added to every count, not 0.1."),
        ("added_after", -np.log(shares + 0.1), "the 0.1 was added after the division, to the probabilities. Add it to "
         "the counts, then divide."),
        ("not_divided", losses(of=lambda counts, add: 1), "these are -ln of the counts. Divide each row by its "
         "sum first."),
        ("keepdims", losses(of=lambda counts, add: counts.sum(axis=1) + add * K), "each column was divided by a row's "
         "sum: `keepdims=True` is missing."),
        ("counted_once", losses(most=1), "each pair was counted once only, as `counts[a, b] += 1` does with arrays: "
         "use np.add.at."),
        ("denominator", losses(of=lambda counts, add: counts.sum(axis=1, keepdims=True) + add),
         "a row's probabilities must sum to one: 0.1 was added to each of its n_symbols counts, so add all of that "
         "below."),
        ("denominator_without", losses(of=lambda counts, add: counts.sum(axis=1, keepdims=True)),
         "a row's probabilities must sum to one: what is added above must be added below as well."),
        ("last_symbol", losses(of=lambda counts, add: occurrences[:, None] + add * K),
         "the last letter of train has none after it, so it is no context: count contexts in train[:-1]."),
        ("joint", losses(of=lambda counts, add: counts.sum() + add * K * K),
         "this is how likely the pair is. How likely is the second letter, *given* the first?"),
        ("columns", losses(of=lambda counts, add: counts.sum(axis=0, keepdims=True) + add * K),
         "divided by how often the second letter occurs; divide by how often the first one does."),
        ("reversed", losses(pairs=(train[1:], train[:-1])), "the pairs are reversed: train[:-1] comes first."),
        ("look_up", losses(asked=asked[::-1]), "the table is right, the look-up reversed: test[:-1] chooses the row."),
        *(("unigram", value, "this looks at no context: it is the unigram's answer.") for value in
          (unigram, column)),
        *(("counted_test", losses(pairs=pairs), "the test text was counted, too: that is what is asked.") for pairs in
          ((both[:-1], both[1:]), tuple(map(np.concatenate, zip((train[:-1], train[1:]), asked, strict=True))))),
        ("only_test", losses(pairs=asked), "the test text was counted. Count train: a model must not know the test."),
        ("asked_train", losses(asked=(train[:-1], train[1:])), "these are the losses of train[1:]. Count train, and "
         "look up the pairs of test."),
        ("all_by_all", losses(asked=np.ix_(*asked)), "this looks up every first letter with every second one. "
         "`p[test[:-1], test[1:]]` takes them in pairs."),
    ])
    return "counts of pairs, divided by the counts of their first letter."


@returns_report
def check_draw(draw):
    """Check exercise 3: (p, u), u uniform from 0 to below 1 -> the number of the letter drawn."""
    p = np.array([0.0, 0.02, 0.03, 0.1, 0.05, 0.6, 0.2])
    numbers = np.array([0.03, 0.12, 0.7, 0.97, 0.0])

    past = {kind: "p may sum to 0.9999999999999999, and u may be as large: then no cumulative sum is above it. "
                  "Return the last letter." for kind in (StopIteration, IndexError)}

    def drawn(p, u):
        letter = attempt(draw, p.copy(), u, hints=past)
        whole = np.ndim(letter) == 0 and np.asarray(letter).dtype.kind in "iu"
        require(whole, "wrong_type", f"u = {u:g}: expected one whole number, to be used as an index, got "
                f"{safe_describe(letter)}.")
        return letter

    def hits(p):
        return np.searchsorted(p.cumsum(), numbers, side="right")

    got, *again = ([drawn(p, float(u)) for u in numbers] for _ in range(5))
    require(all(same == got for same in again), "own_dice", "called again with the same u it returns another letter. u "
            "is the random number: draw no other.")
    edges, right = p.cumsum(), hits(p)
    asked = f"for p = {p.tolist()} and u = {', '.join(f'{u:g}' for u in numbers)}"
    judge(f"{asked} the right letters are {right.tolist()}: the answer", got, right, [
        ("zero_drawn", np.searchsorted(edges, numbers), "for u = 0 a letter of probability 0 was drawn: take the first "
         "whose cumulative sum is *above* u."),
        ("one_before", right - 1, f"{asked}: one too early. Take the first letter whose *cumulative* sum is above u."),
        ("off_by_one", right + 1, f"{asked}: one too far."),
        ("nearest", abs(edges[:, None] - numbers).argmin(axis=0), "this is the letter whose cumulative sum is nearest "
         "to u. A stretch is hit anywhere in it: take the first cumulative sum above u."),
        ("nearest", abs(p[:, None] - numbers).argmin(axis=0), "this is the letter whose *probability* is nearest to u. "
         "u is a place on the line: compare it with where the stretches end, p.cumsum()."),
        ("no_sum", (p[:, None] <= numbers).sum(axis=0), "here u is compared with the probabilities themselves. Compare "
         "it with where the stretches end: p.cumsum()."),
        ("above", (edges[:, None] > numbers).sum(axis=0), "this counts the stretches that end above u. Count those "
         "that end at or before it."),
        *(("sorted", hits(order), "p was sorted first: then a place is no longer a letter's number. Leave p in its "
           "order.") for order in (np.sort(p), np.sort(p)[::-1])),
        ("argmax", np.full(5, p.argmax()), "this is always the most likely letter, whatever u is."),
        ("uniform", (numbers * len(p)).astype(int), "this gives every letter the same chance. Use p."),
    ])
    tenth = np.full(10, 0.1)  # adds up to 0.9999999999999999
    judge("ten letters of 0.1, whose sum is 0.9999999999999999, and u as large", drawn(tenth, np.nextafter(1, 0)), 9, [
        ("past_the_end", 10, "p sums to 0.9999999999999999 here, and u is as large: this is past the last "
         "letter. Take at most len(p) - 1."),
        ("argmax_of_nothing", 0, "p sums to 0.9999999999999999 here, and u is as large: no cumulative sum is above u, "
         "and argmax of nothing but False is 0. Return the last letter."),
    ])
    return "a stretch of the line from 0 to 1 for each letter, as long as it is likely."


@returns_report
def check_temper(temper):
    """Check exercise 4: (logits, temperature) -> probabilities, along the last axis."""
    z = np.random.default_rng(5).normal(size=(4, 6)) * 3
    for name, temperature in (("temperature 0.5", 0.5), ("temperature 2", 2.0)):
        p, powers = softmax(z), np.exp(z / temperature)
        right = softmax(z / temperature)
        judge(name, attempt(temper, z, temperature), right, [
            ("multiplied", softmax(z * temperature), "the logits are *divided* by the temperature: a low one "
             "makes the choice surer."),
            ("ignored", p, "this is the answer at temperature 1. Dividing the *probabilities* and normalising "
             "again changes nothing: the logits are what is divided."),
            *(("not_normalised", value, "these do not sum to one. Divide by their sum.") for value in
              (powers, powers / powers.max(axis=-1, keepdims=True), powers / powers.max(), p ** (1 / temperature))),
            ("probabilities_divided", p / temperature, "divide the logits, before the softmax."),
            ("softmax_twice", softmax(p / temperature), "the softmax was taken before, and once more after. "
             "Divide the logits themselves."),
            *(("all_rows", value / value.sum(), "each row sums to one by itself: `axis=-1, keepdims=True`.")
              for value in (powers, powers / powers.max(axis=-1, keepdims=True))),
            ("columns", powers / powers.sum(axis=0), "each *column* sums to one here. The letters lie along the last "
             "axis: `axis=-1, keepdims=True`."),
            ("logarithms", np.log(right), "these are the logarithms of the probabilities: exp is missing."),
            ("logits", z / temperature, "these are logits still. The softmax is missing."),
        ])
    Z = z.reshape(2, 2, 6)
    judge("an array (2, 2, 6) at temperature 2", attempt(temper, Z, 2.0), softmax(Z / 2), [
        ("second_axis", np.exp(Z / 2) / np.exp(Z / 2).sum(axis=1, keepdims=True), "for logits of shape (2, 2, 6) this "
         "sums along axis 1. The last axis is `axis=-1`, however many there are."),
    ])
    judge("one row of logits, (6,), at temperature 2", attempt(temper, z[0], 2.0), softmax(z[0] / 2))
    small = attempt(temper, z, 0.001)
    judge("temperature 0.001, where exp overflows, or one shift for all rows leaves 0/0", small, softmax(z / 0.001))
    return "low: nearly always the most likely; high: nearly all alike."


@returns_report
def check_top_k(top_k):
    """Check exercise 5: (p, k) -> the probabilities when only the k most likely may be drawn."""
    p = np.array([0.05, 0.3, 0.02, 0.4, 0.13, 0.1])
    rank = np.argsort(np.argsort(-p))  # 0 for the most likely
    for k in (2, 4, 6):
        kept = np.where(rank < k, p, 0)

        def shared(places):
            return np.where(places, p, 0) / np.where(places, p, 0).sum()

        got = attempt(top_k, p.copy(), k)
        judge(f"k = {k}", got, shared(rank < k), [
            ("not_normalised", kept, "the right ones are kept. Now they must sum to one again."),
            ("tail", shared(rank >= k) if k < len(p) else 0 * p, "the tail was kept, and the k most "
             "likely were dropped."),
            ("least", shared(rank >= len(p) - k), "the least likely were kept: argsort begins with the smallest."),
            *(("sorted", few / kept.sum(), "only the kept ones came back, in another order. "
               "Every letter keeps its place; the others get 0.") for few in (np.sort(p)[::-1][:k], np.sort(p)[-k:])),
            ("to_the_front", np.sort(kept)[::-1] / kept.sum(), "the right ones are kept, but they were moved to the "
             "front. Every letter keeps its place."),
            ("equal", (kept > 0) / k, "the kept ones share equally. They should keep their ratios."),
            ("first_k", shared(np.arange(len(p)) < k), "these are the first k letters, not the k most likely."),
            ("one_more", shared(rank < k + 1), "one too many is kept: k of them stay."),
            ("one_fewer", shared(rank < k - 1), "one too few is kept: k of them stay, and the k-th largest is "
             "one of them (`>=` if you compare with it)."),
            ("dropped_k", shared(rank < len(p) - k), "the k *smallest* were set to 0. Keep k, whatever the "
             "number of the others."),
            *(("softmax", e / e.sum(), "these are probabilities already. No second softmax: divide the kept ones by "
               "their sum.") for e in (np.exp(kept), np.exp(p) * (rank < k))),
        ])
    kept = np.asarray(attempt(top_k, np.full(4, 0.25), 2))
    require(np.count_nonzero(kept) == 2, "tie", "of four equally likely letters, k = 2 should keep two, it keeps "
            f"{np.count_nonzero(kept)}. Keep k of those that are equal, no more: argsort puts them in an order.")
    return "the tail is cut, what is kept keeps its ratios."
