import logging
import threading
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from mio.contracts.messages import Clock, Message, UserPlace, VideoFrame
from mio.errors import DeviceError, MioError
from mio.runtime.testing import run_engine, steps, tick
from nodes.io.camera import live
from nodes.io.camera.config import CameraConfig
from nodes.io.camera.engine import CameraEngine, build_engine
from nodes.io.camera.faces import FaceFinder
from nodes.io.camera.live import CameraState, LiveCamera
from nodes.io.camera.sources import source_for
from nodes.io.devices import Device, Listing, find_camera, list_cameras

MANIFEST = Path("nodes/io/camera/dora-node.yml")


def opened(config: CameraConfig) -> CameraEngine:
    engine = build_engine(config)
    engine.open()
    return engine


def run(engine: CameraEngine, start_s: float, seconds: float) -> list[VideoFrame]:
    found: list[tuple[str, Message]] = []
    for index in range(round(seconds * engine.tick_hz)):
        found += tick(engine, start_s + index / engine.tick_hz)
    return [message for _, message in found if isinstance(message, VideoFrame)]


def level(frame: VideoFrame) -> float:
    return float(frame.image.mean())


def write_video(path: Path, seconds: float = 2.0, fps: int = 10, size: tuple[int, int] = (64, 48)) -> Path:
    """Each picture is one step of 10 brighter than the last."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps, options={"crf": "5", "g": "5"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for index in range(round(seconds * fps)):
            image = np.full((size[1], size[0], 3), 20 + 10 * index, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def write_pictures(folder: Path, *levels: int) -> Path:
    folder.mkdir(exist_ok=True)
    for index, value in enumerate(levels):
        cv2.imwrite(str(folder / f"{index:03}.png"), np.full((48, 64, 3), value, np.uint8))
    return folder


def test_a_video_is_shown_in_real_time_and_begins_again(tmp_path: Path) -> None:
    engine = opened(CameraConfig(device=str(write_video(tmp_path / "a.mp4")), fps=10))
    found = [level(frame) for frame in run(engine, 5.0, 5.0)]
    expected = [20 + 10 * (index % 20) for index in range(50)]
    np.testing.assert_allclose(found, expected, atol=3)


def test_a_video_that_does_not_repeat_ends_with_its_last_picture(tmp_path: Path) -> None:
    config = CameraConfig(device=str(write_video(tmp_path / "a.mp4")), fps=10, repeat=False)
    assert len(run(opened(config), 5.0, 5.0)) == 20


def test_fewer_pictures_than_the_file_has_are_the_newest_at_each_tick(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", fps=20, seconds=1.0)
    found = [level(frame) for frame in run(opened(CameraConfig(device=str(path), fps=5)), 0.0, 1.0)]
    np.testing.assert_allclose(found, [20, 60, 100, 140, 180], atol=3)


def test_a_video_goes_on_in_a_successor_where_real_time_stands(tmp_path: Path) -> None:
    config = CameraConfig(device=str(write_video(tmp_path / "a.mp4", seconds=2.0)), fps=10)
    old = opened(config)
    run(old, 0.0, 3.0)
    old.close()
    new = build_engine(config)
    new.import_state(old.export_state())
    new.open()
    tick(new, 47.25)  # seeks
    tick(new, 47.35)
    found = [level(frame) for frame in run(new, 47.45, 0.3)]
    np.testing.assert_allclose(found, [160 + 0, 170, 180], atol=3)


def test_a_folder_of_pictures_is_shown_one_by_one_and_a_broken_one_left_out(tmp_path: Path, caplog) -> None:
    folder = write_pictures(tmp_path / "faces", 10, 60, 110)
    (folder / "001.png").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("no picture")
    frames = run(opened(CameraConfig(device=str(folder), fps=5)), 1.0, 2.0)
    assert {round(level(frame)) for frame in frames} == {10, 110}
    assert len(caplog.records) == 1


def test_a_single_picture_is_sent_at_the_rate(tmp_path: Path) -> None:
    write_pictures(tmp_path / "x", 77)
    frames = run(opened(CameraConfig(device=str(tmp_path / "x" / "000.png"), fps=8, repeat=False)), 1.0, 2.0)
    assert [round(level(frame)) for frame in frames] == [77] * 16


def test_colours_are_rgb_and_pictures_are_made_to_fit(tmp_path: Path) -> None:
    image = np.zeros((300, 800, 3), np.uint8)
    image[:] = (10, 20, 200)  # blue, green, red
    cv2.imwrite(str(tmp_path / "red.png"), image)
    (frame, *_) = run(opened(CameraConfig(device=str(tmp_path / "red.png"), width=400, height=400)), 0.0, 1.0)
    assert (frame.width, frame.height) == (400, 150)
    assert frame.image[0, 0].tolist() == [200, 20, 10]


def test_small_pictures_are_not_enlarged(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "faces", 10)
    (frame, *_) = run(opened(CameraConfig(device=str(folder))), 0.0, 1.0)
    assert (frame.width, frame.height) == (64, 48)


def test_each_picture_says_when_it_was_taken(tmp_path: Path) -> None:
    engine = opened(CameraConfig(device=str(write_video(tmp_path / "a.mp4")), fps=10))
    (first,) = [m for _, m in tick(engine, 100.0) if isinstance(m, VideoFrame)]
    assert (first.stage_s, first.origin_ns) == (0.0, 100_000_000_000)
    steps(engine, "clock", Clock(stage_s=7.0, mono_ns=100_000_000_000))
    (second,) = [m for _, m in tick(engine, 100.11) if isinstance(m, VideoFrame)]
    assert second.stage_s == pytest.approx(7.1, abs=1e-6)
    assert second.origin_ns == pytest.approx(100.1e9)


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("missing.mp4", "no such file"),
        ("broken.mp4", "no pictures"),
        ("sound.wav", "no pictures"),
        ("empty", "no picture"),
    ],
)
def test_a_file_without_pictures_is_one_clear_error(tmp_path: Path, name: str, problem: str) -> None:
    import soundfile

    (tmp_path / "broken.mp4").write_bytes(b"no video")
    (tmp_path / "empty").mkdir()
    soundfile.write(tmp_path / "sound.wav", np.zeros(1_000), 16_000)
    config = CameraConfig(device=str(tmp_path / name))
    (found,) = config.check()
    assert problem in found.problem
    assert "video file" in found.remedy
    with pytest.raises(MioError, match=problem):
        opened(config)


@pytest.mark.parametrize("device", ["off", "null", False, None])
def test_a_camera_that_is_off_sends_nothing(device: Any) -> None:
    config = CameraConfig(device=device)
    assert not list(config.check())
    assert run(opened(config), 0.0, 2.0) == []


class FakeCamera:
    """A camera that can be unplugged."""

    def __init__(self) -> None:
        self.plugged = True
        self.level = 50
        self.opened = 0
        self.released = 0
        self.read_once = threading.Event()

    def open(self, number: int, config: CameraConfig) -> "FakeCamera | None":
        self.opened += self.plugged
        return self if self.plugged else None

    def read(self) -> tuple[bool, Any]:
        self.read_once.set()
        if not self.plugged:
            return False, None
        return True, np.full((48, 64, 3), self.level, np.uint8)

    def release(self) -> None:
        self.released += 1


def live_camera(camera: FakeCamera) -> LiveCamera:
    source = LiveCamera("3", CameraConfig(), camera.open, now_ns=lambda: 42)
    source.import_state({"choice": "3", "number": 3})
    return source


def test_unplugging_and_replugging_is_survived_with_one_line_each(caplog) -> None:
    caplog.set_level(logging.INFO)
    camera = FakeCamera()
    source = live_camera(camera)
    assert source.turn()
    picture = source.read(0)
    assert picture is not None
    assert (picture.taken_ns, int(picture.image[0, 0, 0])) == (42, 50)
    assert source.read(0) is None  # no picture is sent twice
    camera.plugged = False
    assert not source.turn()
    assert source.state is CameraState.CLOSED
    assert not source.turn()
    camera.plugged, camera.level = True, 90
    assert source.turn()
    again = source.read(0)
    assert again is not None
    assert int(again.image[0, 0, 0]) == 90
    assert (camera.opened, camera.released) == (2, 1)
    assert [record.getMessage() for record in caplog.records] == [
        "camera 3 gives no pictures; trying again every second",
        "camera 3 is back",
    ]


def test_the_camera_is_held_only_while_it_is_open() -> None:
    camera = FakeCamera()
    source = live_camera(camera)
    assert camera.opened == 0
    for turn in (1, 2):
        camera.read_once.clear()
        source.open()
        assert camera.read_once.wait(10.0)
        source.close()
        assert (camera.opened, camera.released) == (turn, turn)


def test_no_camera_is_one_clear_error_before_and_at_the_start(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    none = list_cameras(tmp_path)
    monkeypatch.setattr("nodes.io.devices.list_cameras", lambda: none)
    (problem,) = CameraConfig().check()
    assert problem.problem == "no camera found"
    assert "off" in problem.remedy
    with pytest.raises(DeviceError, match="no camera found.*off"):
        opened(CameraConfig())


def test_a_successor_waits_for_a_camera_that_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_open_capture", lambda *_: None)
    engine = build_engine(CameraConfig())
    engine.import_state({"version": 1, "source": {"choice": "default", "number": 0}})
    engine.open()
    assert run(engine, 0.0, 0.5) == []
    engine.close()


def test_cameras_are_chosen_by_number_file_name_or_default() -> None:
    listing = Listing([Device("7", "Front Camera", default=True), Device("9", "Back Camera")])
    assert find_camera("default", listing).choice == "7"
    assert find_camera("9", listing).choice == "9"
    assert find_camera("/dev/video9", listing).choice == "9"
    assert find_camera("back", listing).choice == "9"
    with pytest.raises(DeviceError, match="several cameras.*7 Front Camera; 9 Back Camera"):
        find_camera("camera", listing)
    with pytest.raises(DeviceError, match="no camera 'side'"):
        find_camera("side", listing)


def test_the_node_runs_in_the_loop_on_its_ports(tmp_path: Path) -> None:
    engine = build_engine(CameraConfig(device=str(write_video(tmp_path / "a.mp4")), fps=10))
    transport = run_engine(engine, MANIFEST, [("clock", Clock(stage_s=0.0, mono_ns=0))], run_s=1.0)
    assert len(transport.messages("image")) == pytest.approx(10, abs=1)
    assert not transport.logged


class OneFace:
    """A detector that sees a large face on the right of the picture and a small one on the left, or nobody."""

    def __init__(self) -> None:
        self.faces: np.ndarray | None = np.zeros((2, 15), np.float32)
        self.faces[0, :8] = 10, 10, 20, 20, 15, 15, 25, 15
        self.faces[1, :8] = 200, 60, 80, 80, 220, 90, 260, 90

    def setInputSize(self, size: tuple[int, int], /) -> None:  # noqa: N802
        self.size = size

    def detect(self, image: np.ndarray, /) -> tuple[int, np.ndarray | None]:
        assert image.shape[1::-1] == self.size
        return 1, self.faces


def test_the_largest_face_says_where_the_user_is() -> None:
    detector = OneFace()
    finder = FaceFinder(detector, view_deg=90.0)
    place = finder.place(np.zeros((480, 640, 3), np.uint8))
    assert place is not None
    assert place.left_deg == pytest.approx(-np.degrees(np.arctan(0.5))), "right in the picture is the avatar's right"
    assert place.above_deg == pytest.approx(np.degrees(np.arctan(30 / 160)))
    detector.faces = None
    assert finder.place(np.zeros((480, 640, 3), np.uint8)) is None


def test_a_camera_with_a_model_sends_where_the_user_is_beside_each_picture(tmp_path: Path) -> None:
    folder = str(write_pictures(tmp_path / "pictures", 50))
    config = CameraConfig(device=folder, fps=10)
    engine = CameraEngine(source_for(folder, config), config, FaceFinder(OneFace(), 65.0))
    engine.open()
    found = [tick(engine, 1.0 + index / 10) for index in range(2)]
    assert [port for port, _ in found[0]] == ["image", "user_place"]
    assert isinstance(found[0][1][1], UserPlace)


def test_a_model_that_is_missing_or_finds_no_faces_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "text.onnx").write_text("no model")
    for name, says in (("none.onnx", "is missing"), ("text.onnx", "text.onnx")):
        config = CameraConfig(device="off", faces=tmp_path / name)
        (error,) = config.check()
        assert says in str(error)
        assert "YuNet" in str(error)
