"""A lab's own task, from demonstrations to a policy that does what is said, by verbs alone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cup_lab import STEPS, CupLab, motion, write_dataset
from sentences import FIXTURES

from kinevla_ros.base.observation import Observation
from kinevla_ros.codec.bilevel import CodecConfig
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.decoding.override import Override
from kinevla_ros.generator.inference import Inference, NotUnderstood
from kinevla_ros.generator.policy import Policy
from kinevla_ros.training import pipeline
from kinevla_ros.training.codec.stages import CodecSettings
from kinevla_ros.training.generator import batches
from kinevla_ros.training.generator.batches import GeneratorSettings
from kinevla_ros.training.generator.objective import LossWeights

WAYS = [(hold, end) for hold in ("handle", "rim") for end in ("left", "right")]
ENGLISH = {
    (hold, end): (
        "put the cup onto the shelf",
        f"{hold}, then {end}",
        (
            f"take the cup by the {hold} and put it on the {end} end of the shelf",
            f"grab the {hold} of the cup, then set it down on the {end} end of the shelf",
        ),
    )
    for hold, end in WAYS
}
_HOLD, _END = {"handle": "am Henkel", "rim": "am Rand"}, {"left": "links", "right": "rechts"}
GERMAN = {
    (hold, end): (
        "Stelle die Tasse ins Regal.",
        f"Zuerst {_HOLD[hold]} greifen, dann {_END[end]} abstellen.",
        (
            f"Nimm die Tasse {_HOLD[hold]} und stell sie {_END[end]} ab!",
            f"Bitte die Tasse {_HOLD[hold]} nehmen und {_END[end]} ins Regal stellen",
        ),
    )
    for hold, end in WAYS
}
CODEC = CodecSettings(
    goal_steps=300, kinematics_steps=500, warmup_steps=100, batch_size=64, save_every=800
)
FOLLOWED = 0.7
"""Share of 24 chunks that end nearer to what the words say than to the other way; 0.5 by chance."""

GENERATOR = GeneratorSettings(
    steps=450,
    batch_size=16,
    learning_rate=2e-3,
    warmup=20,
    save_every=450,
    text_every=1,
    weights=LossWeights(text=1.0),
)


@pytest.fixture(scope="module")
def lab() -> Iterator[CupLab]:
    lab = CupLab()
    yield lab
    lab.close()


def tiny(size: int) -> GeneratorConfig:
    """The tiny configuration made smaller still, for a test."""
    own = _TINY(size)
    return replace(own, language=own.language | {"num_hidden_layers": 2})


_TINY = GeneratorConfig.tiny


def trained(dataset: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> Policy:
    """What `kinevla train codec` and `kinevla train generator` do, with fewer steps."""
    monkeypatch.setattr(GeneratorConfig, "tiny", staticmethod(tiny))
    monkeypatch.setattr(batches, "PHRASINGS", 128)
    monkeypatch.setattr(pipeline, "CODEC", CodecConfig(goal_levels=2, kinematics_levels=3))
    pipeline.codec_from_dataset([dataset], out / "codec", CODEC, resume=False)
    pipeline.generator_from_dataset([dataset], out / "codec", out / "model", GENERATOR, None, False)
    return Policy(out / "model", graphs=False)


def follows(policy: Policy, lab: CupLab, ways: dict[str, tuple[str, str]]) -> list[float]:
    """Shares: right words; codes as the own words say; codes as another way's words say."""
    words, own, other = [], [], []
    for cup in (-0.06, 0.02, 0.07):
        for command in policy.tasks.commands:
            way = ways[command.kinematics]
            # At the start the hold decides, in the second half the end.
            for step, slot in ((1, 0), (STEPS + 1, 1)):
                state = motion(*way, cup)[step]
                seen = Observation(lab.render(state[:7], cup), state[:7], state[7], 0.0)
                sibling = next(
                    c for c in command.siblings() if _only(ways[c.kinematics], way, slot)
                )
                turned = ways[sibling.kinematics]
                wanted, instead = (motion(*to, cup)[step + 4, :7] for to in (way, turned))
                did = policy.infer(command.prompt, seen)
                replaced = policy.infer(command.prompt, seen, Override.naming(sibling))
                words.append(policy.reader.reasoning(did.goal, did.kinematics) == command)
                own.append(_nearer(did, wanted, instead))
                other.append(_nearer(replaced, instead, wanted))
    return [float(np.mean(found)) for found in (words, own, other)]


def _only(way: tuple[str, str], other: tuple[str, str], slot: int) -> bool:
    return way[slot] != other[slot] and way[1 - slot] == other[1 - slot]


def _nearer(inference: Inference, wanted: np.ndarray, other: np.ndarray) -> bool:
    reached = inference.chunk.positions[-1]
    return bool(np.linalg.norm(reached - wanted) < np.linalg.norm(reached - other))


def test_a_task_set_of_ones_own_is_learnt_and_its_words_decide(
    tmp_path: Path, lab: CupLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = tmp_path / "dataset"
    write_dataset(dataset, lab, 32, ENGLISH)
    shutil.copy(FIXTURES / "cup.yaml", dataset / "tasks.yaml")
    policy = trained(dataset, tmp_path, monkeypatch)
    assert policy.tasks.name == "cup"
    ways = {kinematics: way for way, (_, kinematics, _) in ENGLISH.items()}
    words, own, other = follows(policy, lab, ways)
    print(words, own, other)
    assert words == 1.0
    assert own >= FOLLOWED
    assert other >= FOLLOWED
    # No template and no demonstration has these words.
    state = motion("rim", "left", 0.0)[0]
    seen = Observation(lab.render(state[:7], 0.0), state[:7], state[7], 0.0)
    said = "Would you please put the mug on the left side of the shelf, holding it by its brim?"
    assert policy.infer(said, seen).kinematics == "rim, then left"
    for foreign in ("take the bread by the rim and put it on the left end of the shelf", "stop it"):
        with pytest.raises(NotUnderstood):
            policy.infer(foreign, seen)


def test_free_texts_in_any_language_are_learnt_as_they_are(
    tmp_path: Path, lab: CupLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = tmp_path / "dataset"
    write_dataset(dataset, lab, 32, GERMAN)
    policy = trained(dataset, tmp_path, monkeypatch)
    assert len(policy.tasks.commands) == 4
    ways = {kinematics: way for way, (_, kinematics, _) in GERMAN.items()}
    words, own, other = follows(policy, lab, ways)
    print(words, own, other)
    assert words == 1.0
    assert own >= FOLLOWED
    assert other >= FOLLOWED
    state = motion("rim", "left", 0.0)[0]
    seen = Observation(lab.render(state[:7], 0.0), state[:7], state[7], 0.0)
    # An order of words that no demonstration had.
    said = "Bitte die Tasse am Rand nehmen und links abstellen"
    assert "rand" in policy.infer(said, seen).kinematics
    for foreign in ("Nimm die Tasse am Deckel und stell sie links ab", "Nimm die Tasse"):
        with pytest.raises(NotUnderstood):
            policy.infer(foreign, seen)
