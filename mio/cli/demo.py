"""``mio demo``."""

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from mio.errors import MioError
from mio.paths import share


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.add_argument("--question", type=Path, help="a recording of yours, in any format (else one is drawn)")
    parser.add_argument("--character", type=Path, default=share("characters", "mara"), help="character pack")
    parser.add_argument("--out", type=Path, default=Path("out/demo"), help="folder for demo.mp4 and report.json")
    parser.add_argument("--seed", type=int, help="of the drawn question; another one each time if left out")
    parser.add_argument("--no-lipsync", action="store_true", help="skip the test sentence for lips against sound")


def run(args: argparse.Namespace) -> int:
    """Ask, record, measure."""
    from mio.cli.check import print_problems
    from mio.demo.lipsync import measure_test_sentence, record_test_sentence
    from mio.demo.progress import ProgressView
    from mio.demo.question import draw_question, question_from_file
    from mio.demo.report import write_report
    from mio.demo.session import run_session
    from mio.flow.check import check_flow

    console = Console()
    out: Path = args.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    character = args.character.resolve()
    sound = out / "question.wav"
    if args.question is not None:
        question = question_from_file(args.question, sound)
    else:
        question = draw_question(character, args.seed, sound)
    problems = check_flow(share("dataflows", "demo.yml"), {"MIO_MICROPHONE__DEVICE": str(sound)})
    print_problems(problems)
    if any(problem.severity == "error" for problem in problems):
        raise MioError("the demo cannot run", "see above")
    console.print(f"Question: [bold]{escape(question.text or str(args.question))}[/bold]")
    with ProgressView(console) as view:
        session = run_session(question, out, view, character=character)
        offset = None
        if not args.no_lipsync:
            view.show("Measuring lips against sound on a test sentence", 0.99, {})
            offset = measure_test_sentence(record_test_sentence(out / "lipsync", character))
    report = write_report(session, offset, out / "report.json")
    _print(console, report, session.files.video, out / "report.json")
    return 0


def _print(console: Console, report: dict[str, Any], video: Path, path: Path) -> None:
    console.print(f"Understood: {escape(report['question_text'])}")
    console.print(f"Answer: [bold]{escape(report['answer_text'])}[/bold]")
    console.print(
        f"First sound {report['end_of_speech_to_first_sound_ms']:.0f} ms after the question, "
        f"{report['drawn_fps']:.1f} frames a second, {report['late_frames_pct']} % late, "
        f"{report['cores_while_talking']} cores while talking" + _lips(report)
    )
    console.print(f"[green]{video}[/green]\n{path}")


def _lips(report: dict[str, Any]) -> str:
    if report.get("av_offset_ms") is not None:
        return f", lips {report['av_offset_ms']:+.0f} ms from the sound"
    return f"; lips against sound not measured: {report['av_offset_problem']}" if "av_offset_problem" in report else ""
