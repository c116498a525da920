"""Baselines and ablations of the recipe, each a few changed settings of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from kinevla_ros.training.generator.grounded_head import ActionHead, GroundedHead
from kinevla_ros.training.generator.motion_heads import FlowHead, MotionHead
from kinevla_ros.training.generator.objective import LossWeights

NO_WORDS = LossWeights(text=0.0, mutual_information=0.0)
NO_CODES = replace(NO_WORDS, codes=0.0)


@dataclass(frozen=True)
class Variant:
    """What is other than in the shipped recipe.

    Attributes:
        name: of its folder and its row.
        changes: what is other, for a reader.
        source: what it stands for.
        codec: what gives the codes of a chunk.
        weights: of the objective's terms.
        words: whether reasoning is written; without it the codes read the instruction itself.
        head: what gives the chunk where there are no codes.
        goal_only: whether it is the shipped recipe with the kinematics codes left undecoded.
    """

    name: str
    changes: str
    source: str
    codec: Literal["bilevel", "literal", "single-level", "bins"] | None = "bilevel"
    weights: LossWeights = field(default_factory=LossWeights)
    words: bool = True
    head: type[ActionHead] | None = None
    goal_only: bool = False


BILEVEL = Variant("bilevel", "nothing: the shipped recipe", "KineVLA")
VARIANTS = (
    BILEVEL,
    Variant(
        "no-infonce",
        "no InfoNCE between words and codes",
        "KineVLA's ablation",
        weights=LossWeights(mutual_information=0.0),
    ),
    Variant(
        "literal",
        "one encoder for both levels of the codec, trained on in stage II",
        "KineVLA, section 3.1 word for word",
        codec="literal",
    ),
    Variant(
        "goal-only",
        "the same checkpoint; only the goal codes are decoded",
        "KineVLA's ablation",
        goal_only=True,
    ),
    Variant(
        "single-level",
        "one residual stack of as many codes, written after both texts",
        "VQ-VLA",
        codec="single-level",
    ),
    Variant(
        "no-reasoning",
        "no words and no InfoNCE; the codes read the instruction",
        "KineVLA's ablation",
        weights=NO_WORDS,
        words=False,
    ),
    Variant(
        "regression",
        "no words, no codes; a linear head gives the chunk, L1",
        "OpenVLA-OFT",
        codec=None,
        weights=NO_CODES,
        words=False,
        head=MotionHead,
    ),
    Variant(
        "bins",
        "no words; each number of the chunk is one of 256 bins",
        "OpenVLA",
        codec="bins",
        weights=NO_WORDS,
        words=False,
    ),
    Variant(
        "flow",
        "no words, no codes; a small flow-matching head gives the chunk in 10 steps",
        "after pi0.5",
        codec=None,
        weights=NO_CODES,
        words=False,
        head=FlowHead,
    ),
    Variant(
        "next-visual",
        "the visual features at the chunk's end are predicted too, in training alone",
        "Grounding Driving VLA via Inverse Kinematics, its first half",
        weights=LossWeights(foresight=1.0),
    ),
    Variant(
        "ik-grounded",
        "no words, no codes; a flow of 5 steps gives the chunk from the visual features of now and "
        "of the chunk's end, as predicted, without state and text",
        "Grounding Driving VLA via Inverse Kinematics",
        codec=None,
        weights=replace(NO_CODES, foresight=1.0),
        words=False,
        head=GroundedHead,
    ),
)


def chosen(names: Sequence[str]) -> list[Variant]:
    """Variants by their names, in the order of `VARIANTS`. Raises ValueError on another name."""
    known = [variant.name for variant in VARIANTS]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise ValueError(f"no variant is called {', '.join(unknown)}; there is {', '.join(known)}")
    return [variant for variant in VARIANTS if variant.name in names]
