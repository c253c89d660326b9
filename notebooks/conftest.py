"""A progress bar is an output, and appears on slow machines only: none while pytest compares outputs."""

import os

os.environ["TQDM_DISABLE"] = "1"  # the kernels that pytest starts inherit it
