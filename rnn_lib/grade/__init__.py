"""Grade a class: run each learner's notebook, and judge every answer in a process of its own.

    python -m rnn_lib.grade FOLDER --out grades.csv

`run.py` executes one notebook in a process of its own and takes the answers out of its kernel, `judge.py` gives one
answer to its check, `table.py` writes what came out, and `__main__.py` is the command.
"""
