"""What the checks find, and how they say it."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from rnn_lib.ground.report import html_box, text_table

__all__ = ["Direction", "GradientReport"]


@dataclass(frozen=True)
class GradientReport:
    """What `check_gradients` found.

    errors     {"own weights": {parameter: relative error}, …}; inf if not finite, None if lost in rounding
    tolerance  the largest error that passes
    remarks    what else is wrong, and who is to blame; with one of these the check is not passed
    notes      what was tested and how, and what was not
    """

    errors: dict
    tolerance: float
    remarks: tuple = ()
    notes: tuple = ()

    @property
    def wrong(self):
        """The names of the parameters whose gradient is wrong anywhere."""
        names = next(iter(self.errors.values()))
        return [name for name in names if any(not self.fine(e[name]) for e in self.errors.values())]

    def fine(self, error):
        """True unless an error is too large; None could not be told from rounding."""
        return error is None or error <= self.tolerance

    @property
    def passed(self):
        """True if every gradient agrees everywhere and nothing else is wrong."""
        return not self.wrong and not self.remarks

    @property
    def label(self):
        """Right or Wrong."""
        return "Right" if self.passed else "Wrong"

    @property
    def message(self):
        """The verdict in one sentence, and what explains it."""
        if self.wrong:
            verdict = f"the gradient of {', '.join(self.wrong)} is not the derivative of the loss."
        else:
            verdict = f"every gradient agrees with the derivative of the loss within {self.tolerance:g}"
            verdict += ", but not all is well." if self.remarks else "."
        return " ".join([verdict, *self.remarks])

    @property
    def table(self):
        """Rows of text: the relative error of each parameter at each set of weights."""
        rows = [("relative error", *self.errors, "")]
        for name in next(iter(self.errors.values())):
            cells = (self.show(e[name]) for e in self.errors.values())
            rows.append((name, *cells, "WRONG" if name in self.wrong else "right"))
        return rows

    def show(self, error):
        """One or two digits of an error that means something; of rounding noise only its limit, the same everywhere."""
        if error is None:
            return "untested"
        if error <= self.tolerance:
            return f"< {self.tolerance:g}"
        if not math.isfinite(error):
            return "not finite"
        return f"{error:.2g}" if error > 1e-6 else f"{error:.0e}"

    def __str__(self):
        """The verdict, the table and the notes in plain text."""
        return "\n".join([f"{self.label}: {self.message}", *text_table(self.table), *self.notes])

    __repr__ = __str__

    def _repr_html_(self):
        return html_box(self.passed, self.label, self.message, self.table, self.notes)


class Direction(NamedTuple):
    """What `check_direction` found: the slope of the loss along one random direction v of all weights together.

    numerical  the slope, from the loss alone
    backward   the slope, from the gradients: the sum of each times v
    error      their difference, relative to the terms of that sum
    tolerance  the largest error that passes
    remark     why the tolerance is not that of the complex step, or ""
    """

    numerical: float
    backward: float
    error: float
    tolerance: float
    remark: str = ""

    @property
    def passed(self):
        """True if the two slopes agree."""
        return self.error <= self.tolerance

    def __str__(self):
        """The verdict, in digits that are the same on every machine."""
        error = f"< {self.tolerance:.0e}" if self.passed else f"{self.error:.2g}"
        label = "Wrong" if not self.passed else "Right" if self.tolerance < 0.1 else "Undecided"
        return (f"{label}: along a random direction of all weights the loss has slope {self.numerical:.4g}, "
                f"the gradients {self.backward:.4g} (relative error {error}). {self.remark}").rstrip()

    __repr__ = __str__
