"""Give one answer to its check: `python -m rnn_lib.grade.judge CHECK ANSWER RESULT FOLDER MEGABYTES`.

It is a process of its own, which `judge` starts: an answer that changes the library, runs for ever or ends Python
spoils no other.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from rnn_lib.grade.answers import limit_memory

__all__ = ["judge"]


def judge(check, answer, folder, *, seconds, megabytes):
    """Return (passed, kind, message) for the answer in a file; `folder` is where the notebook's own modules are."""
    result = answer.with_suffix(".json")
    command = [sys.executable, "-P", "-m", "rnn_lib.grade.judge", check, *map(str, (answer, result, folder, megabytes))]
    process = subprocess.Popen(command, cwd=answer.parent, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    try:
        process.stdout.read(1)  # it has started: from now on the time is the answer's
        process.wait(seconds)
        passed, kind, message = json.loads(result.read_text(encoding="utf-8"))
        return passed, kind, message
    except subprocess.TimeoutExpired:
        return False, "too_slow", f"the check of this answer took longer than {seconds:g} s."
    except (OSError, ValueError):
        return False, "crashed", "the answer ended the Python that examined it."
    finally:
        process.kill()
        process.communicate()


def main(check, answer, result, folder, megabytes):
    """Write (passed, kind, message) into the file `result`."""
    import cloudpickle

    from rnn_lib import exercises

    limit_memory(int(megabytes))
    sys.path.append(folder)
    os.write(1, b"!")  # ready
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what the answer prints, nobody reads
    try:
        value = cloudpickle.loads(Path(answer).read_bytes())
    except Exception as error:
        row = False, "cannot_be_taken", f"the answer does not work elsewhere: {type(error).__name__}: {error}"
    else:
        report = getattr(exercises, check)(value)
        row = report.passed, report.kind, report.message
    Path(result).write_text(json.dumps(row), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
