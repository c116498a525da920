"""What an evaluation is asked to measure."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from kinevla_ros.evaluation.suite.episode import Intervention
from kinevla_ros.generator.engine.quantised import Weights
from kinevla_ros.language.grammar import Split
from kinevla_ros.sim.cell.variation import Variation


@dataclass(frozen=True)
class EvaluationSettings:
    """What is measured.

    Attributes:
        suite, trials, seed, phrasing: tasks, scenes per task, and their sources of chance.
        interventions: see `evaluation.suite.intervention.MEANING`; each runs all trials once more.
        variations: see `sim.cell.variation`; each runs all trials once more.
        paired: whether each trial also runs with one word changed, and reworded.
        phrasings: how many wordings of each task are read in a still scene, and as many
            instructions that name none.
        bert_model: folder of a model for BERTScore.
        weights, depth_head: options of the engine; see `Policy`.
        keypoints: file or checkpoint that finds the objects for skills; the simulator's own poses
            without.
    """

    suite: str = "kine_realman"
    trials: int = 20
    seed: int = 1000
    phrasing: Split = "held_out"
    interventions: tuple[Intervention, ...] = ()
    variations: tuple[Variation, ...] = ()
    paired: bool = False
    phrasings: int = 0
    bert_model: Path | None = None
    weights: Weights | None = None
    depth_head: bool = False
    keypoints: Path | None = None
