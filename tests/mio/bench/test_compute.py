import os
import subprocess
import sys

CODE = """
import os, sys
from mio.cli import bench
assert "numpy" not in sys.modules, "it has read the settings by then"
print(os.environ["OPENBLAS_NUM_THREADS"], os.environ["OMP_WAIT_POLICY"])
"""


def test_a_benchmark_computes_with_one_thread_as_a_node_does():
    ours = {name: value for name, value in os.environ.items() if "THREADS" not in name and "WAIT_POLICY" not in name}
    said = subprocess.run([sys.executable, "-c", CODE], env=ours, capture_output=True, text=True, check=True)
    assert said.stdout.split() == ["1", "PASSIVE"]
