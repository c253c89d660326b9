"""Start nbval's kernels exactly as tests/execute_notebooks.py does, so that a fork's run equals the continuous test."""

from execute_notebooks import set_kernel_environment

set_kernel_environment()
