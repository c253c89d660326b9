"""Language models that count: which symbol comes next, by the n - 1 symbols before it."""

from collections import Counter

import numpy as np

from rnn_lib.ground.validation import check_int, check_labels

__all__ = ["ngram_losses"]


def ngram_losses(train, test, n, n_symbols):
    """Return -ln p of each symbol of `test`, (N,), by an n-gram model that has counted `train`.

    train, test  whole numbers from 0 to n_symbols - 1, (M,) and (N,); what follows the end of `train` is `test`
    n            symbols a gram, at most M, with n_symbols ** n at most 2 ** 62; n = 0: each symbol has p = 1/n_symbols

    What was never seen may still come: an n-gram leans on the (n-1)-gram, as if besides the N times that it saw the
    context it had seen it another D times, followed by what the shorter one expects (Witten and Bell 1991):

        p_n = (count + D p_{n-1}) / (N + D),    D: how many different symbols followed the context
    """
    n_symbols = check_int("n_symbols", n_symbols, minimum=2)
    train = check_labels("train", train, n_symbols, ("M",)).astype(int)
    test = check_labels("test", test, n_symbols, ("N",)).astype(int)
    n = check_int("n", n, minimum=0, maximum=min(len(train), int(62 / np.log2(n_symbols))))
    p = np.full(len(test), 1 / n_symbols)
    for k in range(1, n + 1):
        seen = Counter(grams(train, k, n_symbols))
        asked = grams(np.concatenate([train[len(train) - k + 1 :], test]), k, n_symbols)
        contexts = n_symbols ** (k - 1)  # a gram modulo this is its context
        times, different = Counter(), Counter()  # of each context: N and D
        for gram, count in seen.items():
            times[gram % contexts] += count
            different[gram % contexts] += 1
        count, N, D = np.array([(seen[gram], times[gram % contexts], different[gram % contexts]) for gram in asked]).T
        p = np.where(N > 0, (count + D * p) / np.maximum(N + D, 1), p)
    return -np.log(p)


def grams(symbols, k, n_symbols):
    """Return every stretch of k symbols as one whole number, whose highest digit is the last symbol."""
    return (np.lib.stride_tricks.sliding_window_view(symbols, k) @ n_symbols ** np.arange(k)).tolist()
