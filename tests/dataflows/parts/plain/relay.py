# A dora node that knows nothing of Mio: it sends every number on, with its own count.
import sys
import time

import pyarrow as pa
from dora import Node

time.sleep(float(sys.argv[1]))
if "fails" in sys.argv:
    print("about to fail", file=sys.stderr)
    raise RuntimeError("no such model")
node = Node()
taken = 0
for event in node:
    if event["type"] != "INPUT" or event["id"] != "x":
        continue
    taken += 1
    text = f"plain {taken} {event['value'][0].as_py()} 0"
    node.send_output("y", pa.array([text]), {"kind": "reply", "v": "1.0", "seq": taken - 1})
