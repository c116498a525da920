#!/usr/bin/env python3
"""Holds datasets of this package against the real lerobot, in an environment of its own.

    python3.12 -m venv lerobot-env && lerobot-env/bin/pip install 'lerobot[dataset,training]'
    lerobot-env/bin/python scripts/lerobot_check.py read DATASET WORK     # open, edit, train on it
    lerobot-env/bin/python scripts/lerobot_check.py write DATASET COPY    # lerobot writes it anew
    kinevla check COPY

Nothing of this package is imported, and lerobot is no dependency of it. `WORK` and `COPY` are new
folders. Ends with 0 where all went well, with lerobot's own error where not.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

# Nothing of a dataset on this disk is to be looked for elsewhere.
os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import torch
from lerobot.datasets.dataset_tools import delete_episodes, merge_datasets, split_dataset
from lerobot.datasets.lerobot_dataset import LeRobotDataset
from lerobot.utils.collate import lerobot_collate_fn

COUNTERS = ("timestamp", "frame_index", "episode_index", "index", "task_index")
LANGUAGE = ("language_persistent", "language_events")
TRAINING = (
    "--policy.type=act", "--policy.device=cpu", "--policy.push_to_hub=false",
    "--policy.pretrained_backbone_weights=null", "--policy.chunk_size=5",
    "--policy.n_action_steps=5", "--policy.dim_model=64", "--policy.dim_feedforward=64",
    "--steps=2", "--batch_size=2", "--num_workers=0", "--wandb.enable=false",
)  # fmt: skip


def read(root: Path, work: Path) -> None:
    """Open every part, edit copies, train a small policy for two steps."""
    dataset = LeRobotDataset("local/dataset", root)
    episodes = dataset.meta.total_episodes
    look_at(dataset)
    print(f"opened: {episodes} episodes, {len(dataset)} frames")
    soon = {"action": [step / dataset.fps for step in range(5)]}
    ahead = LeRobotDataset("local/dataset", root, delta_timestamps=soon)
    assert ahead[0]["action"].shape == (5, *dataset[0]["action"].shape)
    loader = torch.utils.data.DataLoader(ahead, 4, shuffle=True, collate_fn=lerobot_collate_fn)
    batch = next(iter(loader))
    assert batch["action"].shape[:2] == (4, 5)
    one = LeRobotDataset("local/dataset", root, episodes=[episodes - 1])
    look_at(one)
    print("steps ahead, batches and single episodes are drawn")
    rest = delete_episodes(dataset, [0], work / "deleted", "local/deleted")
    assert rest.meta.total_episodes == episodes - 1
    halves = split_dataset(dataset, {"a": [0], "b": list(range(1, episodes))}, work / "split")
    merged = merge_datasets(list(halves.values()), "local/merged", work / "merged")
    assert merged.meta.total_episodes == episodes and len(merged) == len(dataset)
    for edited in (rest, merged):
        look_at(edited)
    print("an episode is deleted, the rest is split and merged again")
    command = ["-m", "lerobot.scripts.lerobot_train", *TRAINING, "--dataset.repo_id=local/dataset"]
    where = [f"--dataset.root={root}", f"--output_dir={work / 'trained'}"]
    subprocess.run([sys.executable, *command, *where], check=True)
    print("trained for two steps")


def look_at(dataset: LeRobotDataset) -> None:
    """Decode the first, middle and last frame; each number is finite, no picture is plain."""
    for row in (0, len(dataset) // 2, len(dataset) - 1):
        frame = dataset[row]
        assert frame["task"], row
        for name, feature in dataset.features.items():
            if feature["dtype"] == "video":
                assert frame[name].shape[0] == 3 and float(frame[name].std()) > 0, (row, name)
            elif name in ("action", "observation.state"):
                assert torch.isfinite(frame[name]).all(), (row, name)


def write(root: Path, copy: Path) -> None:
    """Let lerobot write the same frames with its own writer."""
    source = LeRobotDataset("local/dataset", root)
    features = {
        name: {key: feature[key] for key in ("dtype", "shape", "names")}
        for name, feature in source.features.items()
        if name not in COUNTERS + LANGUAGE
    }
    target = LeRobotDataset.create("local/copy", source.fps, features, copy, use_videos=True)
    episode = 0
    for row in range(len(source)):
        frame = source[row]
        if int(frame["episode_index"]) != episode:
            target.save_episode()
            episode += 1
        target.add_frame(
            {name: as_added(frame[name], features[name]) for name in features}
            | {"task": frame["task"]}
        )
    target.save_episode()
    target.finalize()
    print(f"written: {target.meta.total_episodes} episodes, {len(source)} frames")


def as_added(value: object, feature: dict) -> object:
    """What `add_frame` takes: pictures as bytes with the channels last."""
    if feature["dtype"] == "video":
        assert isinstance(value, torch.Tensor)
        return (value.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    return value.numpy() if isinstance(value, torch.Tensor) else value


if __name__ == "__main__":
    verbs = {"read": read, "write": write}
    if len(sys.argv) != 4 or sys.argv[1] not in verbs:
        sys.exit(__doc__)
    verbs[sys.argv[1]](Path(sys.argv[2]).resolve(), Path(sys.argv[3]).resolve())
