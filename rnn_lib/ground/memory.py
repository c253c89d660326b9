"""What becomes of the memory of arrays that are no longer used."""

import os
import sys

__all__ = ["KEPT", "keep_freed_memory"]

KEPT = 2**27  # bytes: many times what a step of the course's trainings needs
OWN = 2**25  # bytes from which an array still gets memory of its own, given back at once: glibc's largest
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # from glibc's malloc.h


def keep_freed_memory():
    """Let freed memory wait for the next array, up to KEPT bytes; True if this machine's C library could be told.

    Every step of training makes the same arrays anew. By default glibc (Linux) gives what a step has freed back to the
    system, and the next one asks for it again: the system hands it out page by page, each filled with zeros first. With
    64 streams of text this took an eighth of an RNN's time, nearly a third of a GRU's. No number depends on it. A
    setting of the user's own stays (MALLOC_TRIM_THRESHOLD_ and its like); other C libraries are left as they are.
    """
    own = [name for name in os.environ if name.startswith("MALLOC_") or name == "GLIBC_TUNABLES"]
    if own or not sys.platform.startswith("linux"):
        return False
    try:
        import ctypes
    except ImportError:  # a Python that was built without it
        return False
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    return bool(mallopt and mallopt(M_MMAP_THRESHOLD, OWN) and mallopt(M_TRIM_THRESHOLD, KEPT))
