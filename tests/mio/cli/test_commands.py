import json
from pathlib import Path

import pytest

from mio.cli.bench import names
from mio.cli.main import COMMANDS, main
from mio.cli.picked import pick, picked
from mio.cli.run import overrides
from mio.errors import MioError
from mio.paths import share


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_does(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert f"usage: mio {command}" in capsys.readouterr().out


def test_without_a_command_the_help_lists_all(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    out = capsys.readouterr().out
    assert all(command in out for command in COMMANDS)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["check", "nowhere.yml"], "nowhere.yml"),
        (["character", "show", "nobody"], "no character pack at nobody: character.yml is missing -> "),
        (["character", "show", "--topic", "tigers"], "nothing about 'tigers' -> topics: "),
        (["bench", "nothing"], "no benchmark 'nothing' -> "),
        (["demo", "--question", "nowhere.wav"], "nowhere.wav: no such file -> "),
        (["demo", "--character", "nobody"], "no character pack at "),
        (["talk", "--set", "talker"], "'talker' is no setting -> write NODE.KEY=VALUE"),
        (["swap", "talker"], "no dataflow is running here -> "),
        (["devices", "--pick", "radio=1"], "'radio=1' picks nothing -> write KIND=DEVICE"),
    ],
)
def test_a_mistake_gives_one_line_with_a_remedy(
    words: list[str],
    says: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIO_CONTROL_DIR", str(tmp_path / "control"))
    assert main(words) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert any(says in line for line in lines)
    assert len(lines) <= 2


def test_talk_names_every_missing_device_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DISPLAY", raising=False)
    assert main(["talk", "--microphone", "no such card", "--speaker", "no such card", "--screen", "window"]) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    for device, remedy in (("microphone", "--microphone FILE"), ("speaker", "--speaker null"), ("screen", "--screen")):
        (line,) = [line for line in lines if line.startswith(f"error: {device}")]
        assert remedy in line


def test_settings_become_environment_variables() -> None:
    assert overrides(["talker.engine=espeak", "listener.turn.complete_wait_ms=500"]) == {
        "MIO_TALKER__ENGINE": "espeak",
        "MIO_LISTENER__TURN__COMPLETE_WAIT_MS": "500",
    }


def test_the_shipped_character_is_well_formed_and_no_two_of_its_questions_mean_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["character", "check"]) == 0
    assert main(["character", "show"]) == 0
    assert "example questions" in capsys.readouterr().out


def test_the_doctor_finds_that_the_demo_can_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    for what in ("graphics", "espeak-ng", "microphone", "camera", "demo.yml", "dora"):
        assert what in out


def test_devices_are_picked_by_name_and_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "devices.yml"
    known = [("0", "Built-in"), ("3", "USB Microphone: Audio")]
    pick("microphone", "3", known, file)
    assert picked(file) == {"microphone": "USB Microphone: Audio"}
    pick("speaker", "null", [], file)
    with pytest.raises(MioError, match="no microphone 'UBS Microphone' -> did you mean"):
        pick("microphone", "UBS Microphone", known, file)
    pick("microphone", "", known, file)
    assert picked(file) == {"speaker": "null"}
    file.write_text("- what")
    with pytest.raises(MioError, match="pick again"):
        picked(file)


def test_the_graph_is_drawn_in_every_form(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flow = str(share("dataflows", "demo.yml"))
    assert main(["graph", flow]) == 0
    assert "renderer" in capsys.readouterr().out
    assert main(["graph", flow, "-o", str(tmp_path / "a.svg")]) == 0
    assert (tmp_path / "a.svg").read_text().startswith("<svg")
    assert main(["graph", flow, "-o", str(tmp_path / "a.mmd")]) == 0
    assert "flowchart" in (tmp_path / "a.mmd").read_text()


def test_every_benchmark_says_what_it_measures_and_how_long_it_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--list"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in names())
    assert {"demo", "hop", "hearing", "render"} <= set(names())


def test_say_writes_a_sound_file(tmp_path: Path) -> None:
    assert main(["say", "Good evening.", "-o", str(tmp_path / "a.wav")]) == 0
    assert (tmp_path / "a.wav").stat().st_size > 20_000


def test_a_benchmark_writes_its_figures_with_hardware_and_versions(tmp_path: Path) -> None:
    from mio.bench.report import Report

    report = Report("sample")
    report.figure("latency_p50_ms", 1.5, target=2.0)
    written = json.loads(report.write(tmp_path).read_text())
    assert written["figures"] == {"latency_p50_ms": 1.5}
    assert written["tables"]["targets"][0]["met"] is True
    assert written["hardware"]["cores"] >= 1
    assert written["versions"]["python"]
