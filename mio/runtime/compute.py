"""One compute thread per node, waiting passively: set before numpy, torch or ONNX Runtime are imported.

Three processes with two threads each on two cores were measured 4 to 15 times slower than with one each.
``MIO_THREADS`` (per node, in the dataflow's ``env:``) raises it on bigger machines.
"""

import os

THREADS = int(os.environ.get("MIO_THREADS", "1") or "1")

_SETTINGS = {
    "OMP_NUM_THREADS": str(THREADS),
    "OPENBLAS_NUM_THREADS": str(THREADS),
    "MKL_NUM_THREADS": str(THREADS),
    "NUMEXPR_NUM_THREADS": str(THREADS),
    "OMP_WAIT_POLICY": "PASSIVE",
    "TOKENIZERS_PARALLELISM": "false",
    "LP_NUM_THREADS": "0" if THREADS == 1 else str(THREADS),  # Mesa's llvmpipe: 0 draws on the calling thread
}


def limit_threads() -> None:
    """Apply the thread settings to this process, keeping what the user set."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
