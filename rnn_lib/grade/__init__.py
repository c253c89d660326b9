"""Grade a class: run each learner's notebook, and judge every answer in a process of its own.

    python -m rnn_lib.grade FOLDER --out grades.csv

`run.py` executes one notebook in a process of its own and takes the answers out of its kernel, `judge.py` gives one
answer to its check, `table.py` writes what came out, and `__main__.py` is the command.
"""

import sys

# nbformat imports jsonschema, and that, where it is installed, a grammar of web addresses by which no notebook is
# checked: it takes more than a second in each process that runs a notebook.
sys.modules.setdefault("rfc3987_syntax", None)
