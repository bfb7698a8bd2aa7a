import ctypes
import subprocess
import sys

import pytest

FAULTS = """
import resource, numpy as np
{first}
np.ones(10_000_000)
begun = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    np.ones(10_000_000)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - begun)
"""
KEEP = "from motionbeat.lab.allocation import keep_freed_memory; keep_freed_memory()"
BY_CHILD = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {code!r}]))"


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallopt"), reason="another C library than glibc")
@pytest.mark.parametrize("by_child", [False, True], ids=["in the process", "in its child"])
def test_freed_memory_is_used_again_without_faults(by_child):
    def faults(first: str, then: str) -> int:
        code = f"{first}\n" + (BY_CHILD.format(code=FAULTS.format(first="")) if by_child else FAULTS.format(first=then))
        return int(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout)

    assert faults(KEEP, KEEP) < 100 < faults("", "")
