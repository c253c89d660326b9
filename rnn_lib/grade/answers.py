"""What is done inside a learner's kernel: limit its memory, and take an answer out of it."""

import os
import sys

__all__ = ["limit_memory", "prepare", "take"]


def limit_memory(megabytes):
    """Let this process have no more memory than this, on systems that can (Linux; others know no such limit)."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (megabytes * 2**20,) * 2)
    except (ImportError, ValueError, OSError):
        pass


def prepare(megabytes):
    """Get a kernel ready: what every notebook imports is there, before the learner's time begins.

    The notebook's own folder comes last on the path: a module in it replaces none of ours.
    """
    import rnn_lib.exercises  # noqa: F401

    sys.path.append(os.getcwd())
    limit_memory(megabytes)


def take(namespace, expression, path):
    """Write the value of an expression of the notebook to a file, with all that it needs to work elsewhere."""
    import cloudpickle

    data = cloudpickle.dumps(eval(expression, namespace))
    with open(path, "wb") as file:
        file.write(data)
