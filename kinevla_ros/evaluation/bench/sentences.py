"""The work behind `kinevla bench sentences`: what becomes of sentences, and of each way's own one.

A sentence counts as taken only where the model agrees with what was read, in every scene alike.
The sentence that a model is given for a way is the one it is surest of: its certainty is measured
beside that of other phrasings, as the least probability of the right words over all scenes.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.progress import Progress
from torch import Tensor

from kinevla_ros.base.observation import Observation
from kinevla_ros.base.resources import resource_path
from kinevla_ros.evaluation.bench.publish import publish
from kinevla_ros.evaluation.report.statistics import Rate
from kinevla_ros.evaluation.suite.episode import scene
from kinevla_ros.generator.decoding.decode import BilevelDecoder, GenerationError, Given
from kinevla_ros.generator.decoding.sequence import instruction_ids, written_part
from kinevla_ros.generator.inference import NotUnderstood
from kinevla_ros.generator.network.model import Generator
from kinevla_ros.generator.pictures.squares import camera_pixels, state_tensor
from kinevla_ros.generator.policy import Policy
from kinevla_ros.language.command import Command
from kinevla_ros.language.grammar import instruction
from kinevla_ros.language.reading.readings import Question, Reading, Understood
from kinevla_ros.language.tokenizer.vocabulary import Vocabulary
from kinevla_ros.sim.cell.cell import Cell

WAY, ASK, REFUSE = "way", "ask", "refuse"


class SentencesError(ValueError):
    """The file holds no sentences with meanings."""


@dataclass(frozen=True)
class Sentence:
    """A sentence, what it may mean, and in how many scenes the policy took it so.

    Attributes:
        meanings: values of the slots, "ask: " and missing slots, or "refuse"; the first is wanted.
    """

    said: str
    meanings: tuple[str, ...]
    right: int = 0

    @property
    def kind(self) -> str:
        """What is wanted: a way, a question or a refusal."""
        return next((k for k in (ASK, REFUSE) if self.meanings[0].startswith(k)), WAY)


def bench_sentences(
    model: Path | None,
    file: Path | None,
    scenes: int,
    phrasings: int,
    seed: int,
    report: Path | None,
) -> int:
    """Measure, print, write the JSON file; returns the exit code.

    Args:
        model: checkpoint folder; the shipped one without it.
        file: tab-separated, with columns `sentence` and `meaning`.
        scenes: of each sentence and each way.
        phrasings: of each way to compare its own sentence with; 0 for none.
    """
    sentences = read_sentences(file) if file else []
    policy = Policy(model or resource_path("models", "kinevla-tiny"))
    with closing(Cell()) as cell, Progress(transient=True) as bar:
        asked = len(sentences) + phrasings * len(policy.tasks.commands)
        task = bar.add_task("scenes", total=scenes * asked)
        seen = list(_scenes(cell, scenes, seed))
        found = [_tried(policy, s, seen, lambda: bar.advance(task)) for s in sentences]
        sure = certainties(policy, seen, phrasings, seed, lambda n: bar.advance(task, n))
    figures = sentence_figures(found, scenes) | {"certainty": sure}
    publish(figures, lambda _: "\n".join(lines(figures)), report)
    return 0


def read_sentences(file: Path) -> list[Sentence]:
    """Sentences of a file. Raises SentencesError for a file without them."""
    with file.open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE))
    if not rows or not {"sentence", "meaning"} <= set(rows[0]):
        raise SentencesError(f"{file}: wants tab-separated columns `sentence` and `meaning`")
    return [Sentence(row["sentence"], tuple(row["meaning"].split(" or "))) for row in rows]


def outcome(reading: Reading) -> str:
    """A reading in the words of a sentence's meaning."""
    if isinstance(reading, Understood):
        return reading.command.way
    return f"{ASK}: {', '.join(reading.choices)}" if isinstance(reading, Question) else REFUSE


def _scenes(cell: Cell, count: int, seed: int) -> Iterator[Observation]:
    for trial in range(count):
        cell.reset(scene(seed, trial))
        yield cell.observe()


def _tried(
    policy: Policy, sentence: Sentence, seen: Sequence[Observation], advance: Callable[[], None]
) -> Sentence:
    """The sentence with the scenes in which the policy did as it is meant counted."""
    right = 0
    for moment in seen:
        policy.reset()
        got = outcome(policy.reader.read(sentence.said))
        try:
            policy.infer(sentence.said, moment)
            moves = True
        except (NotUnderstood, GenerationError):
            moves = False
        meant = any(got == m or (got == REFUSE and m.startswith(REFUSE)) for m in sentence.meanings)
        is_way = got != REFUSE and not got.startswith(ASK)
        right += meant and moves == is_way
        advance()
    return Sentence(sentence.said, sentence.meanings, right)


def sentence_figures(found: Sequence[Sentence], scenes: int) -> dict[str, Any]:
    """Rates as plain JSON types: right in all scenes, and not the same in all."""
    kinds = {k: [s for s in found if s.kind == k] for k in (WAY, ASK, REFUSE)}
    return {
        "scenes": scenes,
        **{k: Rate.of(s.right == scenes for s in of).to_json() for k, of in kinds.items()},
        "differs_by_scene": [s.said for s in found if 0 < s.right < scenes],
        "wrong": [s.said for s in found if s.right < scenes],
    }


def certainties(
    policy: Policy,
    seen: Sequence[Observation],
    phrasings: int,
    seed: int,
    advance: Callable[[int], None] = lambda n: None,
) -> dict[str, dict[str, Any]]:
    """For each way the least probability of its right words over scenes, and that of phrasings."""
    found: dict[str, dict[str, Any]] = {}
    if not phrasings:
        return found
    rng = np.random.default_rng(seed)
    for command in policy.tasks.commands:
        said = [command.prompt, *(instruction(command, rng) for _ in range(phrasings - 1))]
        least = np.min([certainty(policy, command, said, moment) for moment in seen], axis=0)
        order = np.argsort(-least[1:])
        found[command.prompt] = {
            "own": float(least[0]),
            "rank": int((least > least[0]).sum()) + 1,
            "phrasings": phrasings,
            "best_other": [said[1:][order[0]], float(least[1:][order[0]])],
            "median": float(np.median(least)),
            "worst_other": [said[1:][order[-1]], float(least[1:][order[-1]])],
        }
        advance(phrasings * len(seen))
    return found


@torch.inference_mode()
def certainty(
    policy: Policy, command: Command, said: Sequence[str], scene: Observation
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """P(right words of both levels | instruction, scene), shape (len(said),)."""
    model, vocabulary, device = policy.model, policy.vocabulary, policy.device
    shown = camera_pixels(model.config, scene.images).to(device)
    state = state_tensor(scene.state).to(device)
    goal, kinematics = (
        tuple(vocabulary.encode_text(text)) for text in (command.goal, command.kinematics)
    )
    codes = BilevelDecoder(model, vocabulary).generate(
        said[0], shown, state, given=Given(goal, kinematics)
    )
    part = written_part(vocabulary, goal, kinematics, codes.goal_codes, codes.kinematics_codes)
    observation = model.observe(shown[None], state[None])
    return _words_probability(model, vocabulary, said, observation, part)


def _words_probability(
    model: Generator, vocabulary: Vocabulary, said: Sequence[str], observation: Tensor, part: Any
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Probability of the words of a written part after each instruction."""
    device = observation.device
    prompts = [instruction_ids(vocabulary, model.config, text) for text in said]
    ids, kinds = (torch.tensor(column, device=device) for column in zip(*prompts, strict=True))
    seen = observation.expand(len(said), -1, -1)
    lead, lead_kinds = model.context(ids, kinds, seen)
    tail = torch.tensor([part.ids], device=device).expand(len(said), -1)
    tail_kinds = torch.tensor([part.segments], device=device).expand(len(said), -1)
    embeddings = torch.cat([lead, model.embed(tail)], dim=1)
    logits, _ = model(embeddings, torch.cat([lead_kinds, tail_kinds], dim=1))
    text = torch.tensor(part.text, device=device)
    targets = torch.tensor(part.targets, device=device)[text]
    chosen = logits[:, -len(part.ids) :][:, text].float().log_softmax(-1)
    total = chosen.gather(-1, targets.expand(len(said), -1)[..., None]).sum((1, 2))
    return total.exp().double().cpu().numpy()


def lines(figures: dict[str, Any]) -> list[str]:
    """The same for people to read."""
    names = {WAY: "every slot named: taken", ASK: "a slot missing: asked", REFUSE: "refused"}
    found = []
    for kind, name in names.items():
        rate = figures[kind]
        if rate["n"]:
            low, high = rate["interval"]
            found.append(f"{name} {rate['rate']:.1%} ({low:.1%} to {high:.1%}, n = {rate['n']})")
    if found:
        differs = len(figures["differs_by_scene"])
        found.append(f"{differs} sentences differ between {figures['scenes']} scenes")
        found += [f'  not as meant: "{said}"' for said in figures["wrong"]]
    for said, sure in figures["certainty"].items():
        other, worst = sure["best_other"], sure["worst_other"]
        found.append(
            f'"{said}": {sure["own"]:.4f}, rank {sure["rank"]} of {sure["phrasings"]}; best other '
            f'{other[1]:.4f} "{other[0]}"; worst {worst[1]:.2g} "{worst[0]}"'
        )
    return found
