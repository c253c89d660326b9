"""notebooks/for_teachers.md: every exercise stands on it, with minutes and kinds that are true."""

import ast
import re

import pytest
from execute_notebooks import ROOT, notebooks, read

from rnn_lib.exercises.course import EXERCISES

PAGE = (ROOT / "notebooks" / "for_teachers.md").read_text(encoding="utf-8")
LESSONS = dict(re.findall(r"^### (\d\d) .*?\n(.*?)(?=^##)", PAGE, re.DOTALL | re.MULTILINE))
ROW = re.compile(r"^\| `(check_\w+)` \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)


@pytest.mark.parametrize("lesson", EXERCISES)
def test_every_check_stands_in_its_lesson(lesson):
    text = LESSONS[lesson[:2]]
    assert [check for check, _ in ROW.findall(text)] == list(EXERCISES[lesson])
    assert len(re.findall(r"^\d\. ", text, re.MULTILINE)) == 3, "three questions to discuss"


def test_usual_mistakes_are_kinds_that_checks_name():
    known = {node.value for folder in ("exercises", "bugs") for path in (ROOT / "rnn_lib" / folder).rglob("*.py")
             for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
             if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    kinds = {kind for _, cell in ROW.findall(PAGE) for kind in re.findall(r"`(\w+)`", cell)}
    assert len(kinds) > 100 and not kinds - known


def test_the_syllabus_has_the_minutes_of_the_notebooks():
    total = 0
    for path in notebooks():
        if path.parent.name == "notebooks":
            (minutes,) = re.findall(r"\*\*Time\*\*: about (\d+) minutes", read(path).cells[0].source)
            assert re.search(rf"\({path.name}\) \| {minutes} \|", PAGE), f"{path.name}: {minutes} minutes"
            total += int(minutes)
    assert f"About {round(total / 60)} hours with all exercises" in PAGE
