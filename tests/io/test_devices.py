from pathlib import Path

import pytest

from nodes.io.devices import device_name, list_cameras, list_displays, list_microphones, list_speakers, named_file
from nodes.io.portaudio import PortAudio


def test_sound_devices_are_rows_that_can_be_chosen(sound) -> None:
    system = PortAudio(sound)
    (microphone,) = list_microphones(system).devices
    assert (microphone.choice, microphone.name, microphone.default) == ("0", "USB Microphone", True)
    speakers = list_speakers(system).devices
    assert [(row.choice, row.default) for row in speakers] == [("1", True), ("2", False)]
    assert speakers[0].detail == "Fake, 2 ch, 48 kHz"


def test_a_machine_without_devices_says_what_to_do_instead(sound, monkeypatch, tmp_path: Path) -> None:
    sound.unplug()
    sound._initialize()
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    listings = {
        "--microphone FILE": list_microphones(PortAudio(sound)),
        "--speaker null": list_speakers(PortAudio(sound)),
        "off": list_cameras(tmp_path / "nothing"),
        "--screen null": list_displays(),
    }
    for remedy, listing in listings.items():
        assert listing.devices == []
        assert listing.problem
        assert remedy in listing.remedy


def test_a_broken_sound_system_is_a_problem_and_no_crash(sound, monkeypatch) -> None:
    def broken() -> None:
        raise sound.PortAudioError("Error querying device")

    monkeypatch.setattr(sound, "query_devices", broken)
    listing = list_microphones(PortAudio(sound))
    assert listing.devices == []
    assert "Error querying device" in listing.problem


def test_this_machines_real_devices_can_be_listed() -> None:
    for listing in (list_microphones(), list_speakers(), list_cameras()):
        assert bool(listing.devices) != bool(listing.problem)


def test_cameras_are_read_from_the_kernels_list(tmp_path: Path) -> None:
    for number, index in ((10, "0"), (2, "0"), (3, "1")):
        entry = tmp_path / f"video{number}"
        entry.mkdir()
        (entry / "name").write_text(f"Camera {number}\n")
        (entry / "index").write_text(f"{index}\n")
    cameras = list_cameras(tmp_path).devices
    assert [(camera.choice, camera.name, camera.default) for camera in cameras] == [
        ("2", "Camera 2", True),
        ("10", "Camera 10", False),
    ]


@pytest.mark.parametrize(
    ("device", "path"),
    [
        ("question.wav", "question.wav"),
        ("./question", "question"),
        ("file:question", "question"),
        ("default", None),
        ("USB Audio 2.0", None),
        ("3", None),
        ("/dev/video0", None),
    ],
)
def test_files_are_told_from_devices(device: str, path: str | None) -> None:
    assert named_file(device) == (Path(path) if path else None)


def test_what_yaml_makes_of_null_and_off_is_no_device() -> None:
    assert [device_name(choice) for choice in (None, False, "off", "null")] == ["null"] * 4
    assert [device_name(choice) for choice in (2, "2", "USB")] == ["2", "2", "USB"]
