"""Episodes are whole, or can be made so: after a kill, on a full disk, on a slow one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("mcap")

from mcap.reader import make_reader
from recorder_feed import FRONT, JOINTS, STAMPED, STATUS, WRIST, feed, message, recorder
from waiting import wait_until

from kinevla_ros.base.files.damage import FileError
from kinevla_ros.base.files.lock import FolderInUse
from kinevla_ros.data.recording import episode_writer, folders
from kinevla_ros.data.recording.bag import INSTRUCTION, Bag, unfinished
from kinevla_ros.data.recording.episode_file import EpisodeFile
from kinevla_ros.data.recording.recorder import RecordingError
from kinevla_ros.data.recording.watch import StreamWatch, skew
from kinevla_ros.data.synchronisation.instructions import InstructionLog

OK, ASKING = 0, 9
BEGIN = 1_700_000_000 * 10**9
FEED = Path(__file__).parents[2] / "support/data/recorder_feed.py"


def messages(folder: Path) -> list[tuple[str, int]]:
    """Topic and time of each message of a whole episode, by its index."""
    with (folder / folders.FILE_NAME).open("rb") as file:
        return [(channel.topic, m.log_time) for _, channel, m in make_reader(file).iter_messages()]


def test_an_episode_is_called_unfinished_until_it_is_whole(tmp_path: Path) -> None:
    into = recorder(tmp_path)
    now = feed(into, BEGIN, 1.0)
    assert into.start({"instruction": "fetch"}, now) == "episode_0001"
    assert [path.name for path in tmp_path.glob("episode*")] == ["episode_0001.unfinished"]
    now = feed(into, now, 1.0)
    line = into.stop("success", now)
    assert [path.name for path in tmp_path.glob("episode*")] == ["episode_0001"]
    assert "success" in line
    assert "nothing lost" in line
    found = Counter(topic for topic, _ in messages(tmp_path / "episode_0001"))
    # The last status of before is written at the start, too.
    assert found == {FRONT: 31, WRIST: 31, JOINTS: 100, STATUS: 11}
    bag = Bag(tmp_path / "episode_0001")
    assert bag.stated["instruction"] == "fetch"
    assert bag.stated["verdict"] == "success"
    assert bag.topics() == set(found)
    into.close()


def test_an_episode_starts_only_while_every_required_topic_comes(tmp_path: Path) -> None:
    into = recorder(tmp_path)
    with pytest.raises(RecordingError, match=f"{FRONT}.*{JOINTS}.*{STATUS}"):
        into.start({}, BEGIN)
    now = feed(into, BEGIN, 0.5)
    with pytest.raises(RecordingError, match=WRIST):
        into.start({}, now + 5 * 10**9)
    assert list(tmp_path.glob("episode*")) == []
    into.start({}, now)
    with pytest.raises(RecordingError, match="episode_0001 is being recorded"):
        into.start({}, now)
    into.close()


def test_a_discarded_episode_leaves_nothing(tmp_path: Path) -> None:
    into = recorder(tmp_path)
    now = feed(into, BEGIN, 0.5)
    into.start({}, now)
    feed(into, now, 0.5)
    assert into.discard() == "episode_0001"
    assert list(tmp_path.glob("episode*")) == []
    for act in (into.discard, lambda: into.stop("success", now)):
        with pytest.raises(RecordingError, match="nothing is being recorded"):
            act()
    into.close()
    assert list(tmp_path.iterdir()) == []


def test_a_second_recorder_of_a_folder_is_refused(tmp_path: Path) -> None:
    first = recorder(tmp_path)
    with pytest.raises(FolderInUse, match="another process writes"):
        recorder(tmp_path)
    first.close()
    recorder(tmp_path).close()


def test_while_it_records_the_status_shows_the_instruction_that_was_set(tmp_path: Path) -> None:
    into = recorder(tmp_path)
    now = feed(into, BEGIN, 0.5)
    into.instructions.hear("pick up the bread", now / 1e9)
    into.start({INSTRUCTION: "put the cup on the shelf"}, now)
    assert into.state(now).instruction == "put the cup on the shelf"
    into.stop("success", now)
    assert into.state(now).instruction == "pick up the bread"
    into.close()


def test_what_is_missing_is_counted_by_stamps_and_said_at_the_end(tmp_path: Path) -> None:
    into = recorder(tmp_path)
    now = feed(into, BEGIN, 1.0)
    into.start({}, now)
    now = feed(into, now, 0.33)
    now = feed(into, now + 99 * 10**6, 0.33)
    state = {topic.name: topic for topic in into.state(now).topics}
    assert (state[FRONT].gaps, state[FRONT].missing) == (1, 3)
    assert state[FRONT].longest_gap == pytest.approx(0.132, abs=0.001)
    assert state[JOINTS].missing == 10
    assert state[FRONT].rate == pytest.approx(30, abs=3)
    now += 5 * 10**9
    line = into.stop("success", now)
    assert f"3 of 23 on {FRONT}" in line
    assert f"all of {WRIST} at the end" in line
    assert Bag(tmp_path / "episode_0001").stated["lost"] in line
    into.close()


def test_a_camera_that_lags_shows_as_skew() -> None:
    first, second = StreamWatch(), StreamWatch()
    for tick in range(30):
        first.take(BEGIN + tick * 33 * 10**6, BEGIN + tick * 33 * 10**6)
        second.take(BEGIN + (tick * 33 + 12) * 10**6, BEGIN + tick * 33 * 10**6)
    assert skew(first, second) == pytest.approx(0.012, abs=0.001)


def test_of_what_is_said_the_policys_reading_goes_first() -> None:
    log = InstructionLog()
    whole = "put the carrot by its upper part on the left of the plate"
    log.hear("put the carrot on the plate", 0.0)
    log.read("put the carrot on the plate", ASKING, 0.1)
    log.begin()
    log.hear("upper, on the left", 2.0)
    log.read(whole, OK, 2.1)
    assert log.of_episode() == [whole]
    log.hear(" Stop ", 3.0)
    log.read(whole, OK, 3.1)  # a chunk that was under way
    assert log.in_force() == ""
    log.begin()
    assert log.of_episode() == []
    log.read(whole, OK, 9.0)  # asked for by the action
    assert log.of_episode() == [whole]


def test_an_episode_with_one_instruction_says_it_in_its_metadata(tmp_path: Path) -> None:
    into = recorder(tmp_path)
    into.instructions.hear("bring the bread", 0.0)
    now = feed(into, BEGIN, 0.5)
    into.start({}, now)
    now = feed(into, now, 0.5)
    into.instructions.hear("stop", 1.0)
    into.stop("success", now)
    assert Bag(tmp_path / "episode_0001").stated["instruction"] == "bring the bread"
    into.start({}, now)
    assert "no instruction was said" in into.stop("failure", feed(into, now, 0.2))
    into.close()


def test_a_recorder_that_is_shut_down_keeps_the_episode_as_a_failure(tmp_path: Path) -> None:
    into = recorder(tmp_path)
    now = feed(into, BEGIN, 0.5)
    into.start({}, now)
    into.end(feed(into, now, 0.5))
    into.close()
    stated = Bag(tmp_path / "episode_0001").stated
    assert stated["verdict"] == "failure"
    assert "shut down" in stated["ended"]


def cut(tmp_path: Path, keep: float) -> Path:
    """An unfinished episode of which a share of the file is there."""
    into = recorder(tmp_path)
    now = feed(into, BEGIN, 0.5)
    into.start({"instruction": "fetch", "teaching": "targets"}, now)
    writer = into._writer
    assert writer is not None
    for _ in range(4):
        now = feed(into, now, 0.25)
        size = writer.size
        assert wait_until(lambda s=size: writer.size > s)
    writer._end()
    into.close()
    path = tmp_path / "episode_0001.unfinished/episode.mcap"
    os.truncate(path, int(keep * path.stat().st_size))
    return path.parent


@pytest.mark.parametrize("keep", [1.0, 0.999, 0.8, 0.5, 0.31])
def test_whatever_the_place_where_a_file_is_cut_what_is_before_is_recovered(
    tmp_path: Path, keep: float
) -> None:
    folder = cut(tmp_path, keep)
    final, contents = folders.recover(folder, "success")
    found = messages(final)
    assert len(found) == sum(contents.counts.values())
    # In chunks of a quarter of a second.
    assert contents.last - contents.first >= (keep - 0.3) * 1e9
    bag = Bag(final)
    assert bag.stated["instruction"] == "fetch"
    assert bag.stated["verdict"] == "success"
    assert bag.stated["recovered"] == "yes"
    assert bag.topics() == {topic for topic, _ in found}


def test_recovery_that_was_interrupted_is_done_again(tmp_path: Path) -> None:
    folder = cut(tmp_path, 0.8)
    path = folder / folders.FILE_NAME
    final, contents = folders.recover(folder, "failure")
    whole = (final / folders.FILE_NAME).read_bytes()
    for left in (len(whole) - 1, len(whole) - 100):
        final.rename(folder)
        (folder / "metadata.yaml").unlink()
        path.write_bytes(whole[:left])
        final, again = folders.recover(folder, "failure")
        assert again == contents
        assert (final / folders.FILE_NAME).read_bytes() == whole


def test_bytes_that_are_not_what_they_were_end_the_recovery_before_them(tmp_path: Path) -> None:
    folder = cut(tmp_path, 1.0)
    path = folder / folders.FILE_NAME
    content = bytearray(path.read_bytes())
    content[int(0.9 * len(content)) :] = bytes(len(content) - int(0.9 * len(content)))
    path.write_bytes(content)
    final, contents = folders.recover(folder, "success")
    assert 0 < contents.last - contents.first < 0.9e9
    assert len(messages(final)) == sum(contents.counts.values())


def test_nothing_can_be_recovered_from_nothing_and_that_is_said(tmp_path: Path) -> None:
    folder = tmp_path / "episode_0001.unfinished"
    folder.mkdir()
    with pytest.raises(FileError, match="nothing was recorded; delete the folder"):
        folders.recover(folder, "success")
    for content in (b"", b"no bag at all"):
        (folder / folders.FILE_NAME).write_bytes(content)
        with pytest.raises(FileError, match="nothing of it can be recovered"):
            folders.recover(folder, "success")
    (folder / folders.FILE_NAME).unlink()
    EpisodeFile(folder / folders.FILE_NAME, {}).abandon()
    with pytest.raises(FileError, match="holds no whole message: delete"):
        folders.recover(folder, "success")


def test_a_folder_that_is_being_recorded_to_is_not_recovered(tmp_path: Path) -> None:
    into = recorder(tmp_path)
    now = feed(into, BEGIN, 0.5)
    into.start({}, now)
    with pytest.raises(FolderInUse):
        folders.recover(tmp_path / "episode_0001.unfinished", "success")
    assert "success" in into.stop("success", now)
    into.close()


def killed(root: Path, notes: Path, after: float) -> int:
    """Let another process record and kill it; returns when it received the last message, ns."""
    process = subprocess.Popen([sys.executable, FEED, root, notes, "3"])
    try:
        assert wait_until(lambda: list(root.glob("*.unfinished")), 60)
        time.sleep(after)
        assert process.poll() is None
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    return int([line for line in notes.read_text().split("\n")[:-1] if line.isdigit()][-1])


def began(notes: Path) -> int:
    """When the last episode did, ns."""
    return int(
        [line for line in notes.read_text().splitlines() if line.startswith("began")][-1][5:]
    )


def test_a_killed_recorder_loses_at_most_a_second_and_no_finished_episode(tmp_path: Path) -> None:
    root = tmp_path / "episodes"
    root.mkdir()
    finished: set[str] = set()
    # In an episode, late in it, and in the one after it.
    for number, after in enumerate((1.7, 2.6, 4.2)):
        notes = tmp_path / f"notes_{number}"
        last = killed(root, notes, after)
        finished |= {line for line in notes.read_text().split() if line.startswith("episode")}
        for folder in unfinished(root):
            try:
                final, contents = folders.recover(folder, "failure")
            except FileError:  # killed before its first moment was written
                assert last - began(notes) < 1e9
                shutil.rmtree(folder)
                continue
            assert last - contents.last < 1e9
            assert len(messages(final)) == sum(contents.counts.values())
            finished.add(final.name)
        whole = {path.name for path in root.glob("episode_*")}
        # One may have been finished that was not yet written down.
        assert finished <= whole
        for name in whole:
            assert messages(root / name)
            assert Bag(root / name).topics() == {FRONT, WRIST, JOINTS, STATUS}


def test_a_full_disk_ends_an_episode_clearly_and_damages_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    into = recorder(tmp_path)
    now = feed(into, BEGIN, 0.5)
    into.start({"instruction": "fetch"}, now)
    before = feed(into, now, 0.5)
    into.stop("success", before)
    whole = messages(tmp_path / "episode_0001")
    room = [2_000_000]

    def write(descriptor: int, data: memoryview) -> int:
        part = data[: room[0]]
        if not part:
            raise OSError(28, "No space left on device")
        room[0] -= len(part)
        return real(descriptor, part)

    real = os.write
    into.start({"instruction": "fetch"}, before)
    monkeypatch.setattr(os, "write", write)
    for _ in range(100):
        before = feed(into, before, 0.1)
        if into.state(before).problem:
            break
        time.sleep(0.05)
    assert "No space left on device" in into.state(before).problem
    with pytest.raises(RecordingError, match="being recorded"):
        into.start({}, before)
    line = into.stop("failure", before)
    monkeypatch.undo()
    assert "No space left" in line
    assert messages(tmp_path / "episode_0001") == whole
    assert len(messages(tmp_path / "episode_0002")) > 0
    assert "No space" in Bag(tmp_path / "episode_0002").stated["ended"]
    # And when there is room again, it goes on.
    into.start({}, before)
    into.stop("success", feed(into, before, 0.5))
    assert messages(tmp_path / "episode_0003")
    into.close()


LIMITED = """
import resource, sys
from pathlib import Path
from recorder_feed import feed, recorder
from kinevla_ros.data.recording.recorder import RecordingError
into = recorder(Path(sys.argv[1]))
now = feed(into, 10**18, 0.5)
into.start({"instruction": "fetch"}, now)
resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))
for _ in range(200):
    now = feed(into, now, 0.1)
    if into.state(now).problem:
        break
    import time; time.sleep(0.05)
print(into.state(now).problem)
try:
    print(into.stop("success", now))
except RecordingError as problem:
    print("REFUSED", problem)
"""


def test_a_file_that_may_not_grow_is_kept_up_to_there(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(FEED.parent)}
    command = [sys.executable, "-c", LIMITED, str(tmp_path)]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert "File too large" in said.stdout, said.stderr
    (folder,) = tmp_path.glob("episode*")
    if "REFUSED" in said.stdout:
        assert "kinevla recover" in said.stdout
        folder, _ = folders.recover(folder, "success")
    assert len(messages(folder)) > 10


def test_no_episode_starts_on_a_disk_with_too_little_room(tmp_path: Path) -> None:
    into = recorder(tmp_path, least_free=10**18)
    with pytest.raises(RecordingError, match="make room"):
        into.start({}, feed(into, BEGIN, 0.5))
    assert list(tmp_path.glob("episode*")) == []
    into.close()


def test_a_disk_that_fills_up_ends_the_episode_while_its_index_still_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    into = recorder(tmp_path)
    now = feed(into, BEGIN, 0.5)
    into.start({}, now)
    assert into._writer is not None
    into._writer._least_free = 10**18
    assert wait_until(lambda: into.state(now).problem, 10)
    assert "the disk is full" in into.state(now).problem
    size = len(messages_after(into, now, tmp_path))
    assert size == 1
    into.close()


def messages_after(into: object, now: int, root: Path) -> list[tuple[str, int]]:
    """What is kept of an episode that has ended before anything came."""
    into.stop("failure", feed(into, now, 0.5))  # type: ignore[attr-defined]
    return messages(root / "episode_0001")


def test_what_a_slow_disk_has_no_time_for_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(episode_writer, "MOST_WAITING", 500_000)
    real = os.write

    def write(descriptor: int, data: bytes) -> int:
        time.sleep(0.3)
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", write)
    into = recorder(tmp_path)
    now = feed(into, BEGIN, 0.5)
    into.start({}, now)
    now = feed(into, now, 1.0)
    dropped = {topic.name: topic.dropped for topic in into.state(now).topics}
    assert dropped[FRONT] > 10
    line = into.stop("success", now)
    assert "the disk was too slow" in line
    kept = Counter(topic for topic, _ in messages(tmp_path / "episode_0001"))
    assert kept[FRONT] == 31 - dropped[FRONT]
    into.close()


def test_a_message_too_short_for_a_stamp_is_recorded_all_the_same(tmp_path: Path) -> None:
    into = recorder(tmp_path)
    now = feed(into, BEGIN, 0.5)
    into.start({}, now)
    into.receive(FRONT, STAMPED, now, b"\0\1\0\0")
    into.receive(FRONT, STAMPED, now, message(now))
    into.stop("success", now)
    assert Counter(topic for topic, _ in messages(tmp_path / "episode_0001"))[FRONT] == 2
    into.close()
