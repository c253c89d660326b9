"""While training runs: a progress bar, and Ctrl-C."""

import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import contextmanager

__all__ = ["patient_interrupt", "progress"]

BAR_AFTER = 2  # seconds


@contextmanager
def patient_interrupt():
    """Make the first Ctrl-C wait: within this context a function tells whether it came. The second one comes through.

    Only the main thread gets Ctrl-C; elsewhere nothing happens.
    """
    came = []
    if threading.current_thread() is not threading.main_thread() or not isinstance(
        signal.getsignal(signal.SIGINT), Callable
    ):
        yield lambda: False
        return

    def note(number, frame):
        if came:
            raise KeyboardInterrupt
        came.append(True)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(came)
    finally:
        signal.signal(signal.SIGINT, before)


def progress(epochs, verbose):
    """Iterate over `epochs`; on work longer than two seconds a progress bar appears, and goes away at the end.

    Only then is it made: in a notebook each bar is a handful of widgets, which take longer to make than short work.
    """
    start, bar = time.monotonic(), None
    verbose = verbose and not os.environ.get("TQDM_DISABLE")  # tqdm obeys this by itself in a terminal only
    try:
        for n, epoch in enumerate(epochs):
            if bar is not None:
                bar.update()
            elif verbose and time.monotonic() - start > BAR_AFTER:
                from tqdm.auto import tqdm  # imports ipywidgets in a notebook, which rnn_lib itself must not

                bar = tqdm(desc="Training", unit="epoch", total=len(epochs), initial=n, leave=False, disable=False)
            yield epoch
    finally:
        if bar is not None:
            bar.total = bar.n  # an unfinished bar would stay in a notebook, in red
            bar.close()
