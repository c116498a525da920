"""How right the words are: BLEU, slots, similarity of embeddings, and BERTScore where it is asked.

The texts of the grammar differ in few words, so BLEU and similarities are high even where the one
word that matters is wrong. The slots are what to look at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from kinevla_ros.evaluation.report.statistics import Rate
from kinevla_ros.evaluation.suite.episode import EpisodeResult, scene
from kinevla_ros.generator.checkpoint import load_generator
from kinevla_ros.generator.decoding.decode import GenerationError
from kinevla_ros.generator.inference import NotUnderstood
from kinevla_ros.generator.policy import Policy
from kinevla_ros.language.command import Command
from kinevla_ros.language.grammar import Split, instruction
from kinevla_ros.language.reading.reader_of import reader_of
from kinevla_ros.language.reading.words import plain
from kinevla_ros.language.tokenizer.vocabulary import LEVELS
from kinevla_ros.sim.cell.cell import Cell


@dataclass(frozen=True)
class Reading:
    """What was written for a command; no text where nothing could be read."""

    command: Command
    goal: str
    kinematics: str

    def pairs(self) -> dict[str, tuple[str, str]]:
        """Written and right text of each level, and of both as one."""
        wanted = self.command.goal, self.command.kinematics
        written = self.goal, self.kinematics
        both = ". ".join(written), ". ".join(wanted)
        return {**dict(zip(LEVELS, zip(written, wanted, strict=True), strict=True)), "both": both}


def readings_of(results: Iterable[EpisodeResult]) -> list[Reading]:
    """What was written in each episode, the same words once: chunks of one episode share them."""
    return [
        Reading(result.episode.command, *texts)
        for result in results
        for texts in dict.fromkeys((*result.texts, *[("", "")] * bool(result.no_motion)))
    ]


def read_phrasings(
    policy: Policy, count: int, seed: int, phrasing: Split, advance: Any = lambda: None
) -> list[Reading]:
    """Let a policy read `count` phrasings of each task, each in a scene of its own."""
    found = []
    with closing(Cell()) as cell:
        for trial in range(count):
            cell.reset(scene(seed, trial))
            seen = cell.observe()
            for command in policy.tasks.commands:
                rng = np.random.default_rng((seed, trial, command.task_number, 2))
                policy.reset()
                try:
                    inference = policy.infer(instruction(command, rng, phrasing), seen)
                    found.append(Reading(command, inference.goal, inference.kinematics))
                except (NotUnderstood, GenerationError):
                    found.append(Reading(command, "", ""))
                advance()
    return found


def metrics(readings: Sequence[Reading], model: Path) -> dict[str, Any]:
    """BLEU (0 to 1), slot accuracy and the policy's own token-embedding F1."""
    return {
        "n": len(readings),
        "bleu": bleu(readings),
        "slots": slot_accuracy(readings),
        "token_embedding_f1": token_embedding_f1(readings, model),
    }


def bleu(readings: Sequence[Reading]) -> dict[str, Any]:
    """Corpus BLEU-4 of sacrebleu, 0 to 1 as the paper gives it, with sacrebleu's signature."""
    from sacrebleu.metrics import BLEU

    metric = BLEU()
    found: dict[str, Any] = {}
    for name in (*LEVELS, "both"):
        written, wanted = zip(*(r.pairs()[name] for r in readings), strict=True)
        found[name] = metric.corpus_score(list(written), [list(wanted)]).score / 100
    return {**found, "signature": str(metric.get_signature())}


def slot_accuracy(readings: Sequence[Reading]) -> dict[str, Any]:
    """Rate of readings that name all slots rightly, and rate of each slot.

    Where a task set has no slots a reading is right whose texts are those of the way.
    """
    right: dict[str, list[bool]] = {}
    whole: list[bool] = []
    for reading in readings:
        kept = _kept(reading)
        whole.append(all(kept.values()))
        for name, is_right in kept.items():
            right.setdefault(name, []).append(is_right)
    rates = {name: Rate.of(values).to_json() for name, values in right.items()}
    return {"all": Rate.of(whole).to_json(), **rates}


def _kept(reading: Reading) -> dict[str, bool]:
    """Whether each slot, or else each text, is right."""
    if not reading.command.tasks.has_slots:
        pairs = reading.pairs()
        return {level: plain(pairs[level][0]) == plain(pairs[level][1]) for level in LEVELS}
    reader = reader_of(reading.command.tasks)
    written = reader.slots(reading.kinematics)
    about = reader.slots(reading.goal).get("object")
    return {
        name: written.get(name) == value and (name != "object" or about == value)
        for name, value in reading.command.slots().items()
    }


def token_embedding_f1(readings: Sequence[Reading], model: Path) -> dict[str, float]:
    """Greedy matching of token embeddings as in BERTScore, with the policy's own input embeddings.

    They know no context, so these figures cannot be compared with BERTScore's.
    """
    generator, vocabulary = load_generator(model)
    with torch.inference_mode():
        table = F.normalize(generator.embed(torch.arange(len(vocabulary))), dim=-1)

    def f1(written: str, wanted: str) -> float:
        ids = [vocabulary.encode_text(text) for text in (written, wanted)]
        if not all(ids):
            return 0.0
        likeness = table[torch.tensor(ids[0])] @ table[torch.tensor(ids[1])].T
        precision, recall = (likeness.max(dim=d).values.mean().item() for d in (1, 0))
        return 2 * precision * recall / max(precision + recall, 1e-9)

    return {name: _mean(readings, name, f1) for name in (*LEVELS, "both")}


def _mean(readings: Sequence[Reading], name: str, score: Any) -> float:
    """Mean of a score over written and right texts, each pair of texts scored once."""
    counts = Counter(reading.pairs()[name] for reading in readings)
    return sum(score(*pair) * n for pair, n in counts.items()) / len(readings)


def bert_score(readings: Sequence[Reading], folder: Path) -> dict[str, Any]:
    """F1 of the bert-score package with a model that the user has.

    Args:
        folder: tokenizer and weights as `save_pretrained` writes them, for example of
            roberta-large. Of a folder that bears the name of a model that bert-score knows, the
            layer is that which its authors chose; of any other it is the last.

    Raises:
        ValueError: bert-score is not installed, or cannot use the folder.
    """
    try:
        from bert_score import BERTScorer
        from bert_score.utils import model2layers
    except ImportError as problem:
        raise ValueError(f"{problem}: install it with `pip install bert-score`") from problem
    try:
        from transformers import AutoConfig

        layers = model2layers.get(folder.name, AutoConfig.from_pretrained(folder).num_hidden_layers)
        scorer = BERTScorer(model_type=str(folder), num_layers=layers, device="cpu")
        # A tokenizer that was saved without a length has one too large for the package.
        scorer._tokenizer.model_max_length = min(scorer._tokenizer.model_max_length, 512)
        found: dict[str, Any] = {"model": folder.name, "layer": layers}
        for name in (*LEVELS, "both"):
            counts = Counter(reading.pairs()[name] for reading in readings)
            scores = scorer.score(*map(list, zip(*counts, strict=True)))[2].numpy()
            found[name] = float(np.average(scores, weights=list(counts.values())))
    except (OSError, ValueError, AttributeError, TypeError) as problem:
        raise ValueError(f"bert-score cannot use {folder}: {problem}") from problem
    return found


def lines(name: str, found: dict[str, Any]) -> list[str]:
    """The same for people to read."""
    rows = [("BLEU", found["bleu"]), ("token-embedding F1", found["token_embedding_f1"])]
    if "bert_score" in found:
        rows.append(("BERTScore F1", found["bert_score"]))
    scores = "; ".join(
        f"{title} {scores['goal']:.3f} goal, {scores['kinematics']:.3f} kinematics"
        for title, scores in rows
    )
    every = found["slots"]["all"]
    low, high = every["interval"]
    return [
        f"words, {name} (n = {found['n']}): all slots right {every['rate']:.1%} "
        f"({low:.1%} to {high:.1%}); {scores}"
    ]
