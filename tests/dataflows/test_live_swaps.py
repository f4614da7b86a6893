from collections.abc import Callable
from pathlib import Path

import pytest

from mio.bench._swap_figures import Movie, order_of
from mio.bench._swap_flow import TalkedFlow
from mio.bench.swap import SETTINGS

SMALL = {"MIO_RENDERER__QUALITY": "low", "MIO_RENDERER__WIDTH": "360", "MIO_RENDERER__HEIGHT": "360"}

pytestmark = [pytest.mark.dataflow, pytest.mark.timeout(600)]


def test_each_computing_node_is_swapped_in_a_conversation_and_no_message_is_lost_doubled_or_disordered(
    tmp_path: Path,
) -> None:
    flow = TalkedFlow(tmp_path, 20.0, env=SMALL)
    with flow:
        for node in ("talker", "face", "body", "renderer", "thinker"):
            settings = {"quality": "low"} if node == "renderer" else next(SETTINGS[node])
            assert flow.swap(node, settings).handover_ms < 5_000
        sent = flow.stats("face")["outputs"]["motion"]
    streams = flow.seen()
    assert {"talker_speech", "face_motion", "body_motion", "renderer_frame", "thinker_reply"} <= set(streams)
    for name, messages in streams.items():
        assert order_of(messages)[1:] == (0, 0, 0), name
    assert len(streams["face_motion"]) >= sent
    assert len(Movie(flow.video).change_s) > 30


def test_networks_take_over_from_rules_and_give_back_in_a_conversation(
    tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    pytest.importorskip("torch")
    flow = TalkedFlow(tmp_path, 40.0, env=SMALL | {"MIO_FACE__ENGINE": "viseme"})

    def moves_by(node: str, engine: str) -> bool:
        stats = flow.stats(node)
        return stats.get("engine") == engine and stats["outputs"].get("motion", 0) > 20

    with flow:
        for node, engine in (("body", "flood"), ("face", "unils"), ("body", "idle"), ("face", "viseme")):
            flow.swap(node, {"engine": engine})
            wait_until(lambda node=node, engine=engine: moves_by(node, engine))
    for node in ("body", "face"):
        assert order_of(flow.seen()[f"{node}_motion"])[1:] == (0, 0, 0)
