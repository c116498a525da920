"""How well codes tell the words: Bayes over the commands, from what the model gives its codes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from engine_cases import DEVICE, INSTRUCTIONS, case
from hypothesis import given, settings
from hypothesis import strategies as st
from shipped_tasks import TASKS, goal_text, kinematics_text, siblings

from kinevla_ros.base.resources import resource_path
from kinevla_ros.generator.decoding.consistency import Consistency
from kinevla_ros.generator.decoding.decode import BilevelDecoder, Draft, Generation
from kinevla_ros.generator.decoding.override import Override
from kinevla_ros.generator.decoding.sequence import instruction_ids, written_part
from kinevla_ros.generator.engine.engine import FastDecoder
from kinevla_ros.generator.policy import Policy
from kinevla_ros.language.command import Command
from kinevla_ros.language.grammar import instruction
from kinevla_ros.language.task_file import kine_realman
from kinevla_ros.language.tokenizer.vocabulary import LEVELS, Vocabulary


def words_of(vocabulary: Vocabulary, command: Command) -> Draft:
    return Draft(
        tuple(vocabulary.encode_text(goal_text(command))),
        tuple(vocabulary.encode_text(kinematics_text(command))),
    )


def log_probability(parts, written: Generation, images, state) -> float:
    """Of the codes, from one pass over the whole sequence, instruction and written words too."""
    model, vocabulary = parts
    prompt = torch.tensor(instruction_ids(vocabulary, model.config, INSTRUCTIONS[0]))
    seen = model.observe(images[None], state[None])
    embeddings, segments = model.context(*prompt[:, None].to(DEVICE), seen)
    part = written_part(
        vocabulary,
        written.words.goal,
        written.words.kinematics,
        written.goal_codes,
        written.kinematics_codes,
    )
    ids, kinds = torch.tensor([part.ids, part.segments], device=DEVICE)[:, None]
    embeddings = torch.cat([embeddings, model.embed(ids)], 1)
    logits, _ = model(embeddings, torch.cat([segments, kinds], 1))
    logits = logits[0, -len(part.ids) :]
    total = 0.0
    for place, chooses in enumerate(part.code):
        if chooses:
            masks = [vocabulary.code_mask(level) for level in LEVELS]
            own = next(mask for mask in masks if mask[part.targets[place]])
            mask = torch.from_numpy(own).to(DEVICE)
            among = logits[place].masked_fill(~mask, -torch.inf).log_softmax(-1)
            total += float(among[part.targets[place]])
    return total


@torch.inference_mode()
def test_the_score_is_bayes_rule_over_the_words_of_all_commands(parts) -> None:
    model, vocabulary = parts
    measure = Consistency(model, vocabulary, kine_realman())
    decoder = BilevelDecoder(model, vocabulary)
    for seed in (0, 4):  # both instructions
        said, images, state, _ = case(model, vocabulary, seed)
        codes = decoder.generate(said, images, state)
        each = [replace(codes, words=words_of(vocabulary, command)) for command in TASKS]
        found = [measure(one, decoder.observed()) for one in each]
        logs = torch.tensor([log_probability(parts, one, images, state) for one in each])
        assert found == pytest.approx(logs.softmax(0).tolist(), abs=1e-3)
        assert sum(found) == pytest.approx(1.0, abs=1e-3)


@torch.inference_mode()
def test_words_that_name_no_command_are_measured_beside_all_that_do(parts) -> None:
    model, vocabulary = parts
    said, images, state, _ = case(model, vocabulary, 0)
    decoder, config = BilevelDecoder(model, vocabulary), model.config
    decoder.generate(said, images, state)
    codes = Generation(
        Draft(), (1,) * config.goal_codes, (2,) * config.kinematics_codes, False, passes=0
    )
    every = [codes, *(replace(codes, words=words_of(vocabulary, task)) for task in TASKS)]
    logs = torch.tensor([log_probability(parts, one, images, state) for one in every])
    measure = Consistency(model, vocabulary, kine_realman())
    found = [measure(each, decoder.observed()) for each in (codes, every[1], codes)]
    beside = float(logs.softmax(0)[0])
    # Where they do not stand they do not count.
    assert found == pytest.approx([beside, float(logs[1:].softmax(0)[0]), beside], abs=1e-3)


@torch.inference_mode()
def test_the_engine_and_the_plain_decoder_have_seen_the_same(parts) -> None:
    model, vocabulary = parts
    measure = Consistency(model, vocabulary, kine_realman())
    said, images, state, _ = case(model, vocabulary, 1)
    decoders = BilevelDecoder(model, vocabulary), FastDecoder(model, vocabulary)
    found = [measure(d.generate(said, images, state), d.observed()) for d in decoders]
    assert found[0] == pytest.approx(found[1], abs=1e-4)


@pytest.fixture(scope="module")
def shipped() -> Policy:
    return Policy(resource_path("models", "kinevla-tiny"))


@given(st.integers(0, 6), st.integers(0, 20), st.data())
@settings(max_examples=12, deadline=None, derandomize=True)
def test_the_shipped_model_knows_its_own_codes_from_those_of_another_goal(
    shipped: Policy, scenes: dict, task: int, moment: int, data: st.DataObject
) -> None:
    command = TASKS[task]
    seen = scenes[command][moment % len(scenes[command])]
    strangers = [c for c in TASKS if c != command and c not in siblings(command)]
    other = data.draw(st.sampled_from(strangers))

    def infer(said: Command, override: Override | None = None):
        text = instruction(said, np.random.default_rng(task), "held_out")
        return shipped.infer(text, seen, override, consistency=True)

    own, foreign = infer(command), infer(other)
    assert own.consistency > 0.1
    codes = {"goal_codes": foreign.goal_codes, "kinematics_codes": foreign.kinematics_codes}
    assert infer(command, Override(own.goal, own.kinematics, **codes)).consistency < 0.01


def test_nobody_who_does_not_ask_waits_for_it(shipped: Policy, scenes: dict) -> None:
    seen = scenes[TASKS[0]][0]
    text = instruction(TASKS[0], np.random.default_rng(0))
    assert np.isnan(shipped.infer(text, seen).consistency)
