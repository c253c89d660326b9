"""The command: `python -m rnn_lib.grade FOLDER --out grades.csv`."""

import argparse
import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rnn_lib.exercises.course import EXERCISES
from rnn_lib.grade.judge import judge
from rnn_lib.grade.run import calls_of_checks, collect, read
from rnn_lib.grade.table import Row, summary, write_csv, write_html

DESCRIPTION = """Run every notebook in a folder, and judge each exercise. The notebooks' code runs here, with your
rights: for code from strangers use a container or an account of its own. No network is needed."""


def main(arguments=None):
    """Read the arguments (by default the command's), grade, and write the table, the page and the summary."""
    parser = argparse.ArgumentParser(prog="python -m rnn_lib.grade", description=DESCRIPTION)
    parser.add_argument("folder", type=Path, help="the learners' notebooks, in folders of any depth")
    parser.add_argument("--out", type=Path, default=Path("grades.csv"), help="the table; the page stands beside it")
    parser.add_argument("--cell-seconds", type=positive, default=60, help="the time a cell may take")
    parser.add_argument("--notebook-seconds", type=positive, default=600, help="the time a notebook may take")
    parser.add_argument("--answer-seconds", type=positive, default=60, help="the time the check of an answer may take")
    parser.add_argument("--megabytes", type=whole, default=4096, help="the memory of a notebook (Linux only)")
    parser.add_argument("--jobs", type=whole, default=1, help="notebooks at a time")
    arguments = parser.parse_args(arguments)
    if not arguments.folder.is_dir():
        parser.error(f"FOLDER: expected a folder with notebooks, got {arguments.folder}")
    if not arguments.out.parent.is_dir() or arguments.out.is_dir():
        parser.error(f"--out: expected a file in a folder that exists, got {arguments.out}")
    if arguments.out.suffix == ".html":
        parser.error(f"--out: expected another ending than .html, which the page beside it has, got {arguments.out}")
    paths = sorted(path for path in arguments.folder.rglob("*.ipynb")
                   if not any(part.startswith(".") for part in path.relative_to(arguments.folder).parts))
    if not paths:
        parser.error(f"FOLDER: expected notebooks (*.ipynb), got none in {arguments.folder}")

    def grade_one(path):
        learner = path.relative_to(arguments.folder).as_posix()
        try:
            rows = grade(path.resolve(), learner, arguments)
        except Exception as error:  # a fault of ours must not lose the rest of the class
            rows = [Row(learner, "", False, "not_graded", f"{type(error).__name__}: {error}")]
        print(f"{learner}: {sum(row.passed for row in rows)} of {len(rows)}", file=sys.stderr, flush=True)
        return rows

    with ThreadPoolExecutor(arguments.jobs) as pool:
        rows = sum(pool.map(grade_one, paths), [])
    write_csv(arguments.out, rows)
    write_html(arguments.out.with_suffix(".html"), rows)
    print(summary(rows))


def whole(text):
    """Return a whole number above 0; argparse says what came if it is none."""
    if not int(text) > 0:
        raise ValueError
    return int(text)


def positive(text):
    """Return a number above 0; argparse says what came if it is none."""
    number = float(text)
    if not number > 0:
        raise ValueError
    return int(number) if number.is_integer() else number


def grade(path, learner, settings):
    """Return a Row for each exercise of one notebook."""
    try:
        notebook = read(path)
    except ValueError as error:
        return [Row(learner, "", False, "no_notebook", str(error))]
    lesson = lesson_of(path, notebook)
    if lesson is None:
        return [Row(learner, "", False, "unknown_notebook", "neither its name nor its cells say which lesson this is: "
                    "keep the number at the beginning of the name, as in 04_bptt_in_code.ipynb.")]
    checks = EXERCISES[lesson]
    with tempfile.TemporaryDirectory(prefix="rnn-grade-", ignore_cleanup_errors=True) as folder:
        folder = Path(folder)
        problems = collect(path, folder, checks, cell_seconds=settings.cell_seconds,
                           seconds=settings.notebook_seconds, megabytes=settings.megabytes) if checks else {}
        rows = []
        for check in checks:
            verdict = (False, *problems[check]) if check in problems else judge(
                check, folder / check, path.parent, seconds=settings.answer_seconds, megabytes=settings.megabytes)
            rows.append(Row(learner, check.removeprefix("check_"), *verdict))
    return rows


def lesson_of(path, notebook):
    """Return the lesson by the number that its file's name begins with, else by the checks that it calls, or None."""
    number = re.match(r"\d\d(?=_)", path.name)
    for lesson in EXERCISES:
        if number and lesson.startswith(number[0]):
            return lesson
    every = {check: lesson for lesson, checks in EXERCISES.items() for check in checks}
    called = [every[check] for cell in notebook.cells if cell.cell_type == "code"
              for check in calls_of_checks(cell.source, every)]
    return max(sorted(set(called)), key=called.count, default=None)


if __name__ == "__main__":
    main()
