"""The scripts that train go on where they were stopped; `kinevla` itself is stood in for."""

import os
import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "scripts"
STAND_IN = """#!/usr/bin/env bash
echo "$*" >> "$LOG"
words="$*"
out=${words#*--out }
out=${out%% *}
case $words in
train\\ generator*)
  # As training does it: the decoder first, the model at the end.
  mkdir -p "$out"
  touch "$out/decoder.onnx" "$out/resume.safetensors"
  [ "${STOP:-}" != "$out" ] || exit 130
  touch "$out/model.safetensors"
  ;;
train\\ codec*)
  mkdir -p "$out"
  touch "$out/decoder.onnx"
  ;;
esac
"""


@pytest.mark.parametrize(
    ("script", "rounds", "last"),
    [
        ("reproduce.sh", 6, ["evaluate", "calibrate"]),
        ("reproduce_libero.sh", 4, ["evaluate --suite kine", "evaluate --suite libero"]),
    ],
)
@pytest.mark.parametrize("stopped", ["round0", "round3"])
def test_a_generator_that_was_stopped_goes_on_before_anything_is_built_on_it(
    tmp_path: Path, script: str, rounds: int, last: list[str], stopped: str
) -> None:
    (tmp_path / "kinevla").write_text(STAND_IN)
    (tmp_path / "kinevla").chmod(0o755)
    environment = os.environ | {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "LOG": str(tmp_path / "log"),
        "RUN": str(tmp_path / "run"),
    }
    stop = {"STOP": str(tmp_path / "run" / stopped)}
    assert subprocess.run([SCRIPTS / script], env=environment | stop, check=False).returncode == 130
    first = (tmp_path / "log").read_text().splitlines()
    (tmp_path / "log").unlink()
    subprocess.run([SCRIPTS / script], env=environment, check=True)
    second = (tmp_path / "log").read_text().splitlines()
    trained = [line for line in second if line.startswith("train generator")]
    assert trained[0] == f"{first[-1]} --resume"
    assert not any("--resume" in line for line in trained[1:])
    assert len(trained) == rounds + 1 - int(stopped[-1])
    assert all(line.startswith(end) for line, end in zip(second[-2:], last, strict=True))
