"""What the recorder does, as a table for a terminal."""

from __future__ import annotations

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from kinevla_ros.msg import RecordedTopic, RecordStatus

IDLE_KEYS = "s start   q quit"
EPISODE_KEYS = "y stop: success   n stop: failure   d discard"


def view(status: RecordStatus | None) -> RenderableType:
    """The newest status, or that there is none."""
    if status is None:
        return Text("waiting for the recorder …")
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("topic")
    for name in ("Hz", "messages", "gaps", "missing", "longest gap (s)", "disk too slow"):
        table.add_column(name, justify="right")
    for topic in status.topics:
        table.add_row(*_row(topic), style="red" if topic.dropped else "")
    return Group(table, _state(status), Text(EPISODE_KEYS if status.episode else IDLE_KEYS))


def _row(topic: RecordedTopic) -> list[str]:
    figures = [topic.messages, topic.gaps, topic.missing]
    return [
        topic.name,
        f"{topic.rate:.1f}" if topic.rate else "-",
        *(str(figure) for figure in figures),
        f"{topic.longest_gap:.2f}" if topic.gaps else "-",
        str(topic.dropped),
    ]


def _state(status: RecordStatus) -> Text:
    about = f"cameras {1000 * status.skew:.0f} ms apart, {status.free / 1e9:.1f} GB free"
    about += f', instruction "{status.instruction}"' if status.instruction else ", no instruction"
    if status.problem:
        return Text(f"{status.episode} HAS ENDED: {status.problem}. {about}", "bold red")
    if status.waits_for:
        return Text(f"nothing comes on {', '.join(status.waits_for)}. {about}", "yellow")
    if status.episode:
        doing = f"RECORDING {status.episode}: {status.seconds:.0f} s, {status.size / 1e6:.0f} MB"
        return Text(f"{doing}. {about}", "bold green")
    return Text(f"ready. {about}")
