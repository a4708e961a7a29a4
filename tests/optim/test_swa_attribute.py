"""``nn.optim.swa_utils`` is reached as an attribute, in a process that never imported it."""

import subprocess
import sys


def test_swa_utils_is_an_attribute_of_optim() -> None:
    code = "import nn; print(nn.optim.swa_utils.AveragedModel.__name__); print(hasattr(nn.optim, 'nothing'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["AveragedModel", "False"]
