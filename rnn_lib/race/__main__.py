"""Make the stored table again: `python -m rnn_lib.race`."""

import csv

from rnn_lib.race.table import COLUMNS, FILE, rows

with FILE.open("w", encoding="utf-8", newline="") as file:
    table = csv.writer(file, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in rows():
        print(*row, flush=True)
        table.writerow(row)
        file.flush()
