"""What each stage of the conversation is doing, as a view in the terminal."""

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress_bar import ProgressBar
from rich.table import Table

from mio.demo.events import Conversation

_NAMES = {
    "microphone": "asks",
    "listener": "hears",
    "thinker": "answers",
    "talker": "speaks",
    "face": "moves the face",
    "body": "moves the body",
    "renderer": "draws",
    "recorder": "records",
}
_STATES = {
    "idle": "listening",
    "user_speaking": "listening to the question",
    "thinking": "thinking",
    "avatar_speaking": "speaking",
    "ducked": "interrupted",
}


class ProgressView:
    """A live table on a terminal; on anything else, one line whenever something has changed."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=8, transient=False) if console.is_terminal else None
        self._said: set[str] = set()

    def __enter__(self) -> "ProgressView":
        """Begin to show."""
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last view on the screen."""
        if self._live is not None:
            self._live.stop()

    def show(self, title: str, share: float, lines: dict[str, str]) -> None:
        """Show the state of every stage.

        Args:
            title: What is happening.
            share: How much of the whole is done, 0..1.
            lines: What each node does.
        """
        if self._live is None:
            self._print_new(title, lines)
            return
        table = Table.grid(padding=(0, 2))
        for node, doing in lines.items():
            table.add_row(f"[bold]{node}[/bold]", f"[dim]{_NAMES.get(node, '')}[/dim]", escape(doing))
        bar = ProgressBar(total=1.0, completed=min(1.0, share), width=60)
        self._live.update(Group(f"[bold cyan]{escape(title)}[/bold cyan]", bar, table))

    def _print_new(self, title: str, lines: dict[str, str]) -> None:
        for line in (title, *(f"{node}: {doing}" for node, doing in lines.items() if node in ("listener", "thinker"))):
            if line not in self._said and not line.endswith(": "):
                self._said.add(line)
                self._console.print(line, markup=False, highlight=False)


def stage_lines(
    conversation: Conversation, asked_s: float, question_s: float, counts: dict[str, float]
) -> dict[str, str]:
    """One line per node.

    Args:
        conversation: What has been said so far.
        asked_s: Seconds since the question began; negative before.
        question_s: Length of the question.
        counts: Messages sent or taken so far by the streaming nodes.
    """
    asking = f"{max(0.0, min(asked_s, question_s)):.1f} of {question_s:.1f} s"
    mood = " ".join(filter(None, (conversation.emotion, conversation.gesture)))
    return {
        "microphone": asking,
        "listener": f"{conversation.heard}",
        "thinker": f"{conversation.answer_text}",
        "talker": f"{conversation.spoken_s:.1f} s of speech" if conversation.spoken_s else "",
        "face": f"{counts.get('face', 0):.0f} messages" + (f", {mood}" if mood else ""),
        "body": f"{counts.get('body', 0):.0f} messages",
        "renderer": f"{counts.get('renderer', 0):.0f} frames",
        "recorder": f"{counts.get('recorder', 0):.0f} frames",
    }


def state_title(conversation: Conversation, asked_s: float) -> str:
    """What the avatar is doing, in one phrase."""
    if conversation.finished_ns:
        return "Listening again"
    if asked_s < 0:
        return "Waiting for the question"
    return _STATES[conversation.state].capitalize()
