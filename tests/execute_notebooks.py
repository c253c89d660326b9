"""Run notebooks in place and write them in one normal form, so that a diff shows only what changed.

    python tests/execute_notebooks.py                                  # every notebook
    python tests/execute_notebooks.py notebooks/06_sine_wave.ipynb     # one
    python tests/execute_notebooks.py --no-run                         # only the normal form, after a change of prose

Each notebook runs in a fresh kernel of this Python, in its own folder, exactly as nbval will run it when it compares
the outputs. A cell that raises, writes to stderr or takes too long is reported, and the file stays as it was.
"""

import argparse
import atexit
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from queue import Empty

import matplotlib
import nbformat
from nbval.kernel import CURRENT_ENV_KERNEL_NAME, RunningKernel
from nbval.plugin import coalesce_streams

ROOT = Path(__file__).resolve().parent.parent
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
KEPT = ("nbgrader", "slideshow", "tags")  # metadata of a cell with which a teacher works
ATTEMPTS = 3  # a kernel that does not start, dies or hangs gets another chance; a cell that raises does not


class CellError(Exception):
    """A cell did something that must not be committed."""


class KernelError(RuntimeError):
    """The kernel died or did not answer in time."""


class PatientKernel(RunningKernel):
    """nbval's kernel, started anew if it dies before it answers; and one that dies later is noticed at once.

    Jupyter looks for free ports and lets go of them before the kernel takes them: with some notebooks at a time, one
    kernel in some hundreds finds a port taken (https://github.com/jupyter/jupyter_client/issues/154).
    """

    def __init__(self, *arguments, **options):
        """Take what nbval's RunningKernel takes."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                super().__init__(*arguments, **options)
                return
            except RuntimeError:
                if attempt == ATTEMPTS:
                    raise

    def get_message(self, stream, timeout=None):
        """Return the next message; nobody waits for a kernel that crashed."""
        deadline = time.monotonic() + (float("inf") if timeout is None else timeout)
        while True:
            try:
                return super().get_message(stream, timeout=min(1, max(0, deadline - time.monotonic())))
            except Empty:
                if not self.is_alive():
                    raise KernelError("ended its kernel:") from None
                if time.monotonic() >= deadline:
                    raise


def notebooks():
    """Return the path of every notebook of the course, in reading order, then the solutions."""
    folder, name = ROOT / "notebooks", "[0-9][0-9]_*.ipynb"
    return sorted(folder.glob(name)) + sorted((folder / "solutions").glob(name))


def set_kernel_environment():
    """Make the kernels that this process starts independent of the user's settings, and of a home that is read-only.

    No progress bars in outputs, Matplotlib's inline backend and its own defaults, an empty IPython profile, no start-up
    file of Python, and (unless somebody asked for more) one thread for matrix products: several notebooks run at once,
    and the outputs do not depend on the number.
    """
    os.environ["TQDM_DISABLE"] = "1"
    os.environ.pop("MPLBACKEND", None)
    os.environ.pop("PYTHONSTARTUP", None)  # IPython runs it, too
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    matplotlib.get_cachedir(), matplotlib.get_configdir()  # sets MPLCONFIGDIR where these cannot be written
    os.environ["MATPLOTLIBRC"] = str(Path(matplotlib.get_data_path()) / "matplotlibrc")
    private = tempfile.mkdtemp(prefix="rnn-kernels-")
    atexit.register(shutil.rmtree, private, ignore_errors=True)
    os.environ.update(IPYTHONDIR=private, JUPYTER_RUNTIME_DIR=private)


def read(path):
    """Return the notebook in a file, in the current format."""
    text = Path(path).read_text(encoding="utf-8")
    try:
        json.loads(text)
    except ValueError as error:  # says the line, as nbformat does not
        raise ValueError(f"{path} is no notebook: {error}") from None
    return nbformat.reads(text, as_version=4)


def to_text(notebook):
    """Return the exact text of a notebook's file."""
    return nbformat.writes(notebook, version=4, indent=1, ensure_ascii=False) + "\n"


def command(*words):
    """Return the command line that a message tells the reader to type: this Python and `words`, quoted where needed."""
    words = [sys.executable, *words]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def readable(path):
    """Return a path as one would type it in the folder of the course."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else str(path)


def write(path, notebook):
    """Replace the file by the notebook, whole or not at all."""
    temporary = Path(f"{path}.tmp")
    temporary.write_text(to_text(notebook), encoding="utf-8", newline="\n")
    os.replace(temporary, path)


def normalise(notebook):
    """Return a copy in the normal form: what is left is what an author wrote and what the code printed.

    Empty cells go; cell ids follow from the source; execution counts are 1, 2, 3 ...; chunks of a stream are merged;
    no metadata but the plain kernel's and what is KEPT. Of a widget only the text stays, as its model lives no longer
    than its kernel.
    """
    cells, used, count = [], Counter(), 0
    for old in notebook.cells:
        source = re.sub(r"\A(\s*\n)+|\s+\Z", "", old.source)
        if not source:
            continue
        digest = hashlib.sha256(f"{old.cell_type}:{source}".encode()).hexdigest()[:8]
        used[digest] += 1
        metadata = {key: copy_of(old.metadata[key]) for key in KEPT if old.metadata.get(key)}
        cell = nbformat.from_dict({"cell_type": old.cell_type, "metadata": metadata, "source": source})
        cell["id"] = digest if used[digest] == 1 else f"{digest}-{used[digest]}"
        if old.cell_type == "code":
            count += 1
            cell["execution_count"] = count
            cell["outputs"] = [normal_output(output, count) for output in coalesce_streams(copy_of(old.outputs))]
        elif "attachments" in old:
            cell["attachments"] = copy_of(old.attachments)
        cells.append(cell)
    return nbformat.from_dict({"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5})


def changed_cells(notebook):
    """Return the numbers of the code cells that were changed after they ran: their ids follow from another source."""
    pairs = zip((cell for cell in notebook.cells if cell.source.strip()), normalise(notebook).cells, strict=True)
    code_pairs = [(old, new) for old, new in pairs if old.cell_type == "code"]
    return [number for number, (old, new) in enumerate(code_pairs, start=1) if old.get("id") != new.id]


def normal_output(output, count):
    """Give an output its cell's execution count and drop what is different in each run."""
    if "execution_count" in output:
        output["execution_count"] = count
    if "data" in output:
        output.data.pop(WIDGET_VIEW, None)
    return output


def copy_of(node):
    """Return a copy of a part of a notebook that shares nothing with it."""
    if isinstance(node, dict):
        return nbformat.NotebookNode({key: copy_of(value) for key, value in node.items()})
    return [copy_of(value) for value in node] if isinstance(node, list) else node


def execute(notebook, folder, cell_timeout):
    """Run every code cell in a fresh kernel started in `folder` and put its outputs into `notebook`."""
    try:
        kernel = PatientKernel(CURRENT_ENV_KERNEL_NAME, cwd=str(folder))
    except (RuntimeError, Empty) as error:
        raise KernelError(f"the kernel did not start: {error}") from None
    try:
        for number, cell in enumerate((cell for cell in notebook.cells if cell.cell_type == "code"), start=1):
            try:
                cell.outputs = run_cell(kernel, cell.source, cell_timeout)
            except (CellError, KernelError) as error:
                source = "\n".join(f"    {line}" for line in cell.source.splitlines())
                raise type(error)(f"code cell {number} {error}\n{source}") from None
    finally:
        kernel.kc.stop_channels()
        kernel.km.shutdown_kernel(now=True)


def run_cell(kernel, source, timeout):
    """Run one cell as nbval does (no history, no input) and return its outputs."""
    message_id = kernel.execute_cell_input(source, allow_stdin=False)
    deadline = time.monotonic() + timeout
    outputs = []
    while True:
        if time.monotonic() > deadline:
            raise KernelError(f"did not end within {timeout:g} s:")
        try:
            message = kernel.get_message("iopub", timeout=1)
        except Empty:
            continue
        kind, content = message["msg_type"], message["content"]
        if message["parent_header"].get("msg_id") != message_id:
            continue
        if kind == "status" and content["execution_state"] == "idle":
            return outputs
        if kind == "error":
            traceback = re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(content["traceback"]))
            raise CellError(f"raised {content['ename']}: {content['evalue']}\n{traceback}\nSource:")
        if kind == "stream" and content["name"] == "stderr":
            raise CellError(f"wrote to stderr:\n{content['text'].rstrip()}\nSource:")
        if kind in ("clear_output", "update_display_data"):
            raise CellError(f"sent {kind}, which nbval cannot compare:")
        if kind in ("stream", "display_data", "execute_result"):
            outputs.append(nbformat.v4.output_from_msg(message))


def process(path, run, cell_timeout):
    """Run and normalise one file. Raises CellError or KernelError, and then leaves the file as it was."""
    notebook = read(path)
    changed = changed_cells(notebook)
    notebook = normalise(notebook)
    if changed and not run:
        raise CellError(f"code cell {changed[0]} was changed after it ran: leave out --no-run")
    if run:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                execute(notebook, path.parent, cell_timeout)
                break
            except KernelError:
                if attempt == ATTEMPTS:
                    raise
    notebook = normalise(notebook)
    nbformat.validate(notebook)
    write(path, notebook)


def main(arguments=None):
    """Process the notebooks named on the command line; return the number of those that failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, help="notebooks (default: all of the course)")
    parser.add_argument("--no-run", action="store_true", help="normalise only")
    parser.add_argument("--cell-timeout", type=float, default=120, metavar="SECONDS", help="default: 120")
    options = parser.parse_args(arguments)
    set_kernel_environment()
    failures = 0
    for path in [path.resolve() for path in options.files] or notebooks():
        started = time.monotonic()
        try:
            process(path, not options.no_run, options.cell_timeout)
            print(f"{readable(path)}: done in {time.monotonic() - started:.1f} s", flush=True)
        except (CellError, KernelError, OSError, ValueError) as error:
            failures += 1
            print(f"{path}: left as it was, because {error}", file=sys.stderr, flush=True)
    return failures


if __name__ == "__main__":
    sys.exit(main() > 0)
