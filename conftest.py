"""Start nbval's kernels exactly as tests/execute_notebooks.py does, so that a fork's run equals the continuous test."""

import nbval.plugin
from execute_notebooks import PatientKernel, set_kernel_environment

nbval.plugin.RunningKernel = PatientKernel
set_kernel_environment()
