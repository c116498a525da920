"""A depth head chooses a level's later codes: fewer passes, and off unless asked for."""

import random
from pathlib import Path

import pytest
import torch
from engine_cases import DEVICE, case, spoilt
from shipped_tasks import shipped_vocabulary
from small_generator import small_config
from training_frames import memory

from kinevla_ros.base.files.manifest import write_manifest
from kinevla_ros.generator.checkpoint import CheckpointError
from kinevla_ros.generator.decoding.decode import Draft, Given
from kinevla_ros.generator.decoding.depth_head import DEPTH_HEAD_FILE, DepthHead, load_depth_head
from kinevla_ros.generator.decoding.sequence import instruction_ids, written_part
from kinevla_ros.generator.engine.engine import FastDecoder
from kinevla_ros.generator.network.model import Generator
from kinevla_ros.language.tokenizer.vocabulary import LEVELS, Vocabulary
from kinevla_ros.training.generator.batches import BatchMaker, GeneratorSettings
from kinevla_ros.training.generator.depth_head import train_depth_head

SETTINGS = GeneratorSettings(
    steps=40, batch_size=16, learning_rate=1e-2, alternative_share=1.0, refusal_share=0.0
)


@pytest.fixture(scope="module")
def parts() -> tuple[Generator, Vocabulary, DepthHead]:
    """A random generator and head; weights so large that every position counts."""
    vocabulary = shipped_vocabulary()
    torch.manual_seed(0)
    model = Generator(small_config(vocabulary)).eval()
    with torch.no_grad():
        for weight in model.language.model.layers.parameters():
            weight.mul_(5.0 if weight.ndim == 2 else 1.0)
    return model.to(DEVICE), vocabulary, DepthHead(model.config).eval().to(DEVICE)


@torch.inference_mode()
def slowly(parts, said: str, images, state, words: Draft) -> list[tuple[int, ...]]:
    """Codes of both levels, the sequence read from its start for each level."""
    model, vocabulary, head = parts
    config = model.config
    prompt, prompt_segments = (
        torch.tensor([x], device=DEVICE) for x in instruction_ids(vocabulary, config, said)
    )
    seen = model.observe(images[None], state[None])
    before, before_segments = model.context(prompt, prompt_segments, seen)
    found = [(0,) * config.goal_codes, (0,) * config.kinematics_codes]
    for index, level in enumerate(LEVELS):
        tail = written_part(vocabulary, words.goal, words.kinematics, *found)
        closing = vocabulary.goal_codes if level == "goal" else vocabulary.kinematics_codes
        read = tail.ids.index(closing) + 1
        embeddings = torch.cat(
            [before, model.embed(torch.tensor([tail.ids[:read]], device=DEVICE))], dim=1
        )
        segments = torch.cat(
            [before_segments, torch.tensor([tail.segments[:read]], device=DEVICE)], dim=1
        )
        logits, hidden = model(embeddings, segments)
        first = vocabulary.code_id(level, 0)
        codes = [int(logits[0, -1, first : first + config.codes_per_level].argmax())]
        inner = head.begin(hidden[:, -1])
        while len(codes) < len(found[index]):
            inner = head.step(model.embed(torch.tensor([first + codes[-1]], device=DEVICE)), inner)
            codes.append(int(head.logits(level, inner).argmax()))
        found[index] = tuple(codes)
    return found


def test_the_engine_chooses_what_the_head_chooses_whatever_the_draft(parts) -> None:
    model, vocabulary, head = parts
    rng = random.Random(0)
    engine = FastDecoder(model, vocabulary, depth_head=head)
    for seed in range(10):
        said, images, state, words = case(model, vocabulary, seed)
        wanted = slowly(parts, said, images, state, words)
        other = Draft(*(spoilt(w, vocabulary, rng) for w in (words.goal, words.kinematics)))
        for inputs in ((None,), (words,), (other,), (other, Given(words.goal, words.kinematics))):
            # Planted for other goal codes, the kinematics words need not come by themselves.
            given = Given(kinematics=words.kinematics) if len(inputs) == 1 else inputs[1]
            written = engine.generate(said, images, state, inputs[0], given)
            assert written.words == words
            assert [written.goal_codes, written.kinematics_codes] == wanted


def test_given_goal_codes_are_read_instead_of_the_heads(parts) -> None:
    model, vocabulary, head = parts
    said, images, state, words = case(model, vocabulary, 0)
    engine = FastDecoder(model, vocabulary, depth_head=head)
    read = set()
    for code in range(0, 128, 4):
        given = Given(words.goal, words.kinematics, (code, code))
        taken = engine.generate(said, images, state, None, given)
        assert taken.goal_codes == (code, code)
        read.add(taken.kinematics_codes)
    assert len(read) > 1


def test_a_chunk_costs_one_pass_for_each_level(parts) -> None:
    model, vocabulary, head = parts
    said, images, state, words = case(model, vocabulary, 1)
    inputs = (said, images, state, words, Given(kinematics=words.kinematics))
    assert FastDecoder(model, vocabulary, depth_head=head).generate(*inputs).passes == 2
    assert FastDecoder(model, vocabulary).generate(*inputs).passes == 4


def test_a_head_learns_a_few_frames_by_heart_and_leaves_the_generator_as_it_is(
    parts, tmp_path: Path
) -> None:
    model, vocabulary, _ = parts
    before = {name: value.clone() for name, value in model.state_dict().items()}
    samples, codes = memory(frames=2)
    maker = BatchMaker(samples, codes, vocabulary, model.config, SETTINGS)
    head, right = train_depth_head(model, vocabulary, maker, SETTINGS, steps=200)
    assert right.head > 0.95
    assert right.generator < 0.2
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    write_manifest(tmp_path)
    head.save(tmp_path)
    read = load_depth_head(tmp_path, model.config, torch.float32, DEVICE)
    assert all(torch.equal(a, b) for a, b in zip(read.parameters(), head.parameters(), strict=True))


def test_a_missing_or_foreign_head_is_named(parts, tmp_path: Path) -> None:
    model, vocabulary, head = parts
    config = model.config
    with pytest.raises(CheckpointError, match="kinevla train depth-head"):
        load_depth_head(tmp_path, config, torch.float32, "cpu")
    write_manifest(tmp_path)
    head.save(tmp_path)
    with pytest.raises(CheckpointError, match="does not belong"):
        other = small_config(vocabulary).tiny(config.vocabulary_size)
        load_depth_head(tmp_path, other, torch.float32, "cpu")
    (tmp_path / DEPTH_HEAD_FILE).write_bytes(b"cut")
    write_manifest(tmp_path)
    with pytest.raises(CheckpointError, match="does not belong"):
        load_depth_head(tmp_path, config, torch.float32, "cpu")
