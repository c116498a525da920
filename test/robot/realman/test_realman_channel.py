from __future__ import annotations

import os

import pytest

from kinevla_ros.robot.realman.channel import (
    ProcessSettings,
    SharedState,
    create_channel,
    create_memory,
)


@pytest.fixture
def boards() -> tuple[SharedState, SharedState]:
    memory = create_memory()
    pair = SharedState(memory), SharedState(memory)
    os.close(memory)
    return pair


def test_fresh_memory_holds_nothing(boards: tuple[SharedState, SharedState]) -> None:
    _, reader = boards
    assert reader.state.read() is None
    assert reader.heartbeat.read() is None


def test_the_reader_sees_the_latest_record(boards: tuple[SharedState, SharedState]) -> None:
    writer, reader = boards
    for opening in (0.01, 0.02):
        writer.gripper.write(opening)
    assert reader.gripper.read() == (0.02,)


def test_a_half_written_record_does_not_replace_the_last(
    boards: tuple[SharedState, SharedState],
) -> None:
    writer, reader = boards
    writer.gripper.write(0.01)
    assert reader.gripper.read() == (0.01,)
    writer.gripper._memory[70] ^= 0xFF
    assert reader.gripper.read() == (0.01,)


def test_the_parents_end_never_blocks() -> None:
    parent, child = create_channel()
    with parent, child:
        refused = False
        while not refused:
            try:
                parent.send(b"x" * 64)
            except BlockingIOError:
                refused = True


def test_settings_survive_the_command_line() -> None:
    settings = ProcessSettings("10.0.0.2", 8080, "10.0.0.1", 8089, 0.02, 3, 4)
    assert ProcessSettings.from_argument(settings.to_argument()) == settings
