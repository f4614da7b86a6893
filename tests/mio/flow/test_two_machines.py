from pathlib import Path

from mio.flow.dataflow import read_flow

FLOWS = Path(__file__).parents[3] / "dataflows"


def test_the_flow_for_two_machines_is_the_live_flow_with_a_place_for_each_node() -> None:
    live = {node.id: dict(node.raw) for node in read_flow(FLOWS / "mio.yml").nodes}
    spread = {node.id: dict(node.raw) for node in read_flow(FLOWS / "two-machines.yml").nodes}
    places = {name: keys.pop("deploy")["machine"] for name, keys in spread.items()}
    assert spread == live
    front = {name for name, place in places.items() if place == "front"}
    assert front == {"microphone", "speaker", "screen", "journal"}
    assert set(places.values()) == {"front", "back"}
