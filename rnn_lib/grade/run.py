"""Run one notebook and put its answers into files: `python -m rnn_lib.grade.run NOTEBOOK FOLDER SETTINGS`.

It is a process of its own, which `collect` starts, and ends when its time is up, so that a notebook may do what it
likes. What it found stands in FOLDER, a file for each answer, and what went wrong in `problems.json`.
"""

import ast
import contextlib
import json
import subprocess
import sys
from pathlib import Path

import nbformat
import psutil
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError

__all__ = ["calls_of_checks", "collect", "read"]

PATIENCE = 120  # seconds: a busy machine may take as long to start a kernel
TRIES = 2  # to start a kernel: the port that Jupyter found free may be taken when the kernel opens it
ONE_CELL = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell()])  # the client keeps the cell it runs in it
KERNEL = ["-m", "ipykernel_launcher", "--IPKernelApp.ignore_cwd=True", "-f", "{connection_file}"]


class Stubborn(Exception):
    """A cell went on when it was interrupted, so that no other can run."""


class Deaf(NotebookClient):
    """A client that throws outputs away: a notebook that prints for ever fills no memory."""

    def process_message(self, msg, cell, cell_index):
        """Keep nothing but the end of a cell."""
        if msg["msg_type"] == "status":
            super().process_message(msg, cell, cell_index)


def read(path):
    """Return the notebook in a file. Raises ValueError if it holds none."""
    try:
        return nbformat.reads(Path(path).read_text(encoding="utf-8"), as_version=4)
    except Exception as error:  # whatever nbformat makes of a broken file
        raise ValueError(f"this file is no notebook: {type(error).__name__}: {error}") from None


def calls_of_checks(source, checks):
    """Return {check: its argument as text} of the calls `exercises.check_...(argument)` in a cell."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return {}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and len(node.args) == 1]
    names = [getattr(node.func, "attr", getattr(node.func, "id", None)) for node in calls]
    return {name: ast.unparse(node.args[0]) for name, node in zip(names, calls, strict=True) if name in checks}


def collect(path, folder, checks, *, cell_seconds, seconds, megabytes):
    """Run the notebook in `path` and return {check: what went wrong}; the answers are files of the checks' names.

    checks  {check: the name that holds the answer where the notebook no longer calls the check}
    """
    settings = json.dumps({"checks": checks, "cell_seconds": cell_seconds, "megabytes": megabytes})
    command = [sys.executable, "-m", "rnn_lib.grade.run", str(path), str(folder), settings]
    process = psutil.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
    try:
        process.wait(seconds)
        late = False
    except psutil.TimeoutExpired:
        late = True
    finally:
        end(process)
    try:
        problems = json.loads((folder / "problems.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        problems = {}
    ended = f"the notebook took longer than {seconds:g} s" if late else "running the notebook came to an early end"
    return {check: problems.get(check, ("too_slow" if late else "crashed", f"{ended}, before this exercise."))
            for check in checks if not (folder / check).exists()}


def end(process):
    """Kill a process and all that it has started."""
    try:
        family = [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return
    for member in family:
        try:
            member.kill()
        except psutil.NoSuchProcess:
            pass
    psutil.wait_procs(family, timeout=10)


def start(path, cell_seconds, until):
    """Return the client of a new kernel, which ends when the ExitStack `until` is closed."""
    for left in reversed(range(TRIES)):
        manager = AsyncKernelManager(kernel_name="learner")
        manager._kernel_spec = KernelSpec(argv=[sys.executable, *KERNEL], display_name="", language="python")
        client = Deaf(ONE_CELL, km=manager, timeout=PATIENCE, startup_timeout=PATIENCE, allow_errors=True,
                      interrupt_on_timeout=True, raise_on_iopub_timeout=False, shutdown_kernel="immediate",
                      error_on_timeout={"ename": "Timeout", "evalue": f"it ran for more than {cell_seconds:g} s"},
                      resources={"metadata": {"path": str(Path(path).parent)}})
        try:
            until.enter_context(client.setup_kernel())
            return client
        except RuntimeError:  # the kernel ended before it was ready
            if not left:
                raise


def run(path, folder, checks, cell_seconds, megabytes):
    """Execute the cells one after another; after the one that calls a check, or at the end, take its answer."""
    notebook = read(path)
    problems, failed = {}, []

    def note(check, kind, message):
        problems[check] = kind, message
        (folder / "problems.json").write_text(json.dumps(problems), encoding="utf-8")

    def reply(source):
        """Return (name, message) of the exception that a cell raised, or None."""
        replies = []
        client.on_cell_executed = lambda cell, cell_index, execute_reply: replies.append(execute_reply["content"])
        client.execute_cell(nbformat.v4.new_code_cell(source), 0)
        answer = replies[-1]
        return (answer["ename"], answer["evalue"]) if answer["status"] == "error" else None

    def execute(source):
        """As `reply`. Raises Stubborn if the cell took too long and did not end when it was interrupted."""
        error = reply(source)
        if error and error[0] == "Timeout" and reply("pass"):
            raise Stubborn
        return error

    def take(check, expression):
        error = execute(f"__import__('rnn_lib.grade.answers', fromlist=['take'])"
                        f".take(globals(), {expression!r}, {str(folder / check)!r})")
        if error is None:
            problems.pop(check, None)
            return
        kind = {"NameError": "missing", "Timeout": "too_slow"}.get(error[0], "cannot_be_taken")
        cause = next((f" {what}" for source, what in failed if expression in source), "")
        note(check, kind, f"there is no answer to take out of the notebook: {error[0]}: {error[1]}.{cause}")

    with contextlib.ExitStack() as until:
        client = start(path, cell_seconds, until)
        execute(f"__import__('rnn_lib.grade.answers', fromlist=['prepare']).prepare({megabytes})")
        client.timeout = cell_seconds
        number, rest = 0, None
        try:
            for cell in notebook.cells:
                if cell.cell_type != "code" or not cell.source.strip():
                    continue
                number += 1
                error = execute(cell.source)
                if error:
                    failed.append((cell.source, f"Code cell {number} raised {error[0]}: {error[1]}."))
                for check, expression in calls_of_checks(cell.source, checks).items():
                    take(check, expression)
            for check, expression in checks.items():  # whose cell was deleted or changed, or whose answer came later
                if not (folder / check).exists():
                    take(check, expression)
        except Stubborn:
            rest = "too_slow", (f"code cell {number} ran for more than {cell_seconds:g} s and went on when it was "
                                "interrupted, before this exercise.")
        except (CellTimeoutError, DeadKernelError, RuntimeError):
            rest = "crashed", f"the kernel ended in code cell {number}, before this exercise."
        for check in checks if rest else ():
            if not (folder / check).exists():
                note(check, *rest)


if __name__ == "__main__":
    arguments = json.loads(sys.argv[3])
    run(Path(sys.argv[1]), Path(sys.argv[2]), **arguments)
