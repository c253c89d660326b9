"""How the notebooks are run by nbval: exactly as by tests/execute_notebooks.py, so that a fork's run equals CI's."""

import nbval.plugin
import pytest
from execute_notebooks import PatientKernel, set_kernel_environment

nbval.plugin.RunningKernel = PatientKernel
set_kernel_environment()


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Keep the cells of a notebook in their order, also where a plugin shuffles the tests."""
    places = [i for i, item in enumerate(items) if isinstance(item, nbval.plugin.IPyNbCell)]
    cells = sorted((items[i] for i in places), key=lambda cell: (cell.path, cell.cell_num))
    for i, cell in zip(places, cells, strict=True):
        items[i] = cell
