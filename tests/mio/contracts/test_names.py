from pathlib import Path

import yaml

from mio.contracts.arkit import ARKIT_ACTIONS
from mio.contracts.messages import MESSAGES, MESSAGES_BY_TYPE
from mio.contracts.rates import BODY_DIM, BODY_JOINTS
from mio.contracts.skeleton import JOINTS, PARENTS

ROOT = Path(__file__).parents[3]


def test_dora_types_mirror_the_messages() -> None:
    types = yaml.safe_load((ROOT / "dataflows/types/mio/v1.yml").read_text())["types"]
    assert {f"mio/v1/{name}" for name in types} == set(MESSAGES_BY_TYPE)
    arrow = {"samples": "Float32", "frames": "Float32", "text": "Utf8", "pixels": "UInt8", "": "UInt8"}
    for message in MESSAGES.values():
        assert types[message.__name__]["arrow"] == arrow[message.PAYLOAD]


def test_there_are_52_facial_actions_in_alphabetical_order() -> None:
    assert len(set(ARKIT_ACTIONS)) == 52
    assert list(ARKIT_ACTIONS) == sorted(ARKIT_ACTIONS)


def test_every_joint_s_parent_comes_before_it() -> None:
    assert len(JOINTS) == len(PARENTS) == BODY_JOINTS == (BODY_DIM - 3) // 3
    assert PARENTS[0] == -1
    assert all(parent < joint for joint, parent in enumerate(PARENTS))
    assert JOINTS[PARENTS[JOINTS.index("right_index1")]] == "right_wrist"
    assert JOINTS[PARENTS[JOINTS.index("left_thumb3")]] == "left_thumb2"
