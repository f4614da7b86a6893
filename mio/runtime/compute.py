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
    "OPENCV_FOR_THREADS_NUM": str(THREADS),
    "TOKENIZERS_PARALLELISM": "false",
    "LP_NUM_THREADS": str(THREADS),  # of Mesa's llvmpipe, which fills pixels while the node goes on
}


def limit_threads() -> None:
    """Apply the thread settings to this process, keeping what the user set."""
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)


def yield_to_others() -> None:
    """Lower this process's priority by ``MIO_NICE`` (0 to 19), for nodes whose work can wait, such as recording."""
    niceness = int(os.environ.get("MIO_NICE", "0") or "0")
    if niceness > 0:
        os.nice(min(niceness, 19))
