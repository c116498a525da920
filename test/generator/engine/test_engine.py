"""The engine writes what plain decoding writes, whatever the draft; on CUDA through graphs."""

import random
from dataclasses import astuple, replace

import pytest
import torch
from engine_cases import case, spoilt
from hypothesis import given, strategies

from kinevla_ros.generator.decoding.decode import (
    BilevelDecoder,
    Draft,
    Generation,
    GenerationError,
    Given,
    Refusal,
)
from kinevla_ros.generator.decoding.sequence import InstructionTooLong
from kinevla_ros.generator.engine.engine import FastDecoder
from kinevla_ros.generator.engine.input import pass_widths
from kinevla_ros.generator.network.model import Generator
from kinevla_ros.language.grammar import REFUSAL
from kinevla_ros.language.tokenizer.vocabulary import Vocabulary

CASES = 20


def test_any_draft_gives_what_plain_greedy_decoding_gives(parts) -> None:
    model, vocabulary = parts
    plain, fast = BilevelDecoder(model, vocabulary), FastDecoder(model, vocabulary)
    rng = random.Random(0)
    for seed in range(CASES):
        said, images, state, words = case(model, vocabulary, seed)
        wanted = plain.generate(said, images, state)
        assert wanted.words == words
        drafts = [
            None,
            words,
            Draft(spoilt(words.goal, vocabulary, rng), words.kinematics),
            Draft(words.goal, spoilt(words.kinematics, vocabulary, rng)),
            Draft(*(spoilt(w, vocabulary, rng) for w in (words.goal, words.kinematics))),
        ]
        for draft in drafts:
            given = fast.generate(said, images, state, draft)
            assert given.words == words
            assert given.goal_codes == wanted.goal_codes
            assert given.kinematics_codes == wanted.kinematics_codes
            assert given.draft_accepted == (draft == words)


def overridden(model: Generator, vocabulary: Vocabulary, words: Draft, rng: random.Random) -> Given:
    """What an operator may give: of words and codes of each level none, the model's, or others."""
    config = model.config
    texts = [
        rng.choice([None, text, spoilt(text, vocabulary, rng)[: config.max_text_tokens], ()])
        for text in (words.goal, words.kinematics)
    ]
    codes = [
        rng.choice([None, tuple(rng.choices(range(config.codes_per_level), k=count))])
        for count in (config.goal_codes, config.kinematics_codes)
    ]
    return Given(*texts, *codes)


def test_what_is_given_is_taken_and_the_rest_is_as_plain_decoding_writes_it(parts) -> None:
    model, vocabulary = parts
    plain, fast = BilevelDecoder(model, vocabulary), FastDecoder(model, vocabulary)
    rng, complete = random.Random(0), 0

    def outcome(decoder: BilevelDecoder | FastDecoder, *inputs) -> Generation | None:
        try:
            written = decoder.generate(*inputs)
        except GenerationError:
            return None  # other words before it, and a random model may not end its text
        return replace(written, passes=0)

    for seed in range(CASES):
        said, images, state, words = case(model, vocabulary, seed)
        for draft in (None, words):
            given = overridden(model, vocabulary, words, rng)
            wanted = outcome(plain, said, images, state, draft, given)
            assert outcome(fast, said, images, state, draft, given) == wanted, given
            complete += wanted is not None
        assert fast.generate(said, images, state, words).words == words
    assert complete > CASES


def test_given_words_and_codes_cost_one_pass_per_code(parts) -> None:
    model, vocabulary = parts
    config = model.config
    said, images, state, words = case(model, vocabulary, 4)
    given = Given(*astuple(words), (1,) * config.goal_codes, (2,) * config.kinematics_codes)
    taken = FastDecoder(model, vocabulary).generate(said, images, state, None, given)
    assert (taken.goal_codes, taken.kinematics_codes) == (given.goal_codes, given.kinematics_codes)
    assert taken.passes == config.goal_codes + config.kinematics_codes


def test_a_refusal_in_words_is_reported_and_gives_no_codes(parts, monkeypatch) -> None:
    model, vocabulary = parts
    fast = FastDecoder(model, vocabulary)
    said, images, state, words = case(model, vocabulary, 1)
    monkeypatch.setattr(fast, "_refusal", words.goal)
    for draft in (None, words):
        with pytest.raises(Refusal, match=REFUSAL):
            fast.generate(said, images, state, draft)


def test_given_words_without_room_are_refused(parts) -> None:
    model, vocabulary = parts
    said, images, state, words = case(model, vocabulary, 5)
    long = (words.goal or (20,)) * (model.config.max_text_tokens + 1)
    with pytest.raises(ValueError, match="a text at most"):
        FastDecoder(model, vocabulary).generate(said, images, state, words, Given(goal=long))


def test_an_accepted_draft_costs_one_pass_per_code(parts) -> None:
    model, vocabulary = parts
    fast = FastDecoder(model, vocabulary)
    said, images, state, words = case(model, vocabulary, 1)
    warm = fast.generate(said, images, state, words)
    assert warm.draft_accepted
    assert warm.passes == model.config.goal_codes + model.config.kinematics_codes


def test_a_text_without_end_is_an_error_and_the_next_chunk_is_right(parts) -> None:
    model, vocabulary = parts
    fast = FastDecoder(model, vocabulary)
    said, images, state, words = case(model, vocabulary, 2)
    endless = model.language.lm_head.weight[vocabulary.kinematics_codes]
    with torch.no_grad():
        kept = endless.clone()
        endless.zero_()
    with pytest.raises(GenerationError, match="ran past"):
        fast.generate(said, images, state, words)
    with torch.no_grad():
        endless.copy_(kept)
    assert fast.generate(said, images, state).words == words


def test_a_refused_instruction_leaves_the_engine_usable(parts) -> None:
    model, vocabulary = parts
    fast = FastDecoder(model, vocabulary)
    said, images, state, _ = case(model, vocabulary, 3)
    before = fast.generate(said, images, state)
    with pytest.raises(InstructionTooLong):
        fast.generate("please " * 90, images, state)
    assert fast.generate(said, images, state) == before


def test_the_fused_weights_are_the_models_own(parts) -> None:
    model, vocabulary = parts
    before = sum(p.untyped_storage().nbytes() for p in distinct(model))
    FastDecoder(model, vocabulary)
    assert sum(p.untyped_storage().nbytes() for p in distinct(model)) == before


@given(strategies.integers(16, 700), strategies.integers(0, 700))
def test_passes_of_every_length_fill_whole_tiles(widest: int, lead: int) -> None:
    widths = pass_widths(widest, lead)
    assert all((width + lead) % 64 == 0 for width in widths)
    assert widths == sorted(widths)
    assert widths[0] >= 16
    assert widest <= widths[-1] < widest + 64


def distinct(model: Generator) -> list[torch.Tensor]:
    """One parameter for each piece of memory."""
    return list({p.untyped_storage().data_ptr(): p for p in model.parameters()}.values())
