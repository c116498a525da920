"""Constrained decoding, draft verification and the paths attention may take."""

import dataclasses
import random

import pytest
import torch
from shipped_tasks import TASKS, goal_text, kinematics_text, shipped_vocabulary
from small_generator import small_config

from kinevla_ros.generator.decoding.decode import (
    BilevelDecoder,
    Draft,
    GenerationError,
    Given,
    Refusal,
)
from kinevla_ros.generator.decoding.sequence import InstructionTooLong, instruction_ids, tail
from kinevla_ros.generator.network.model import Generator
from kinevla_ros.generator.network.segments import Segment
from kinevla_ros.language.grammar import REFUSAL
from kinevla_ros.language.tokenizer.vocabulary import Vocabulary

INSTRUCTION = "pick up the bread and move it to the front"


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return shipped_vocabulary()


@pytest.fixture(scope="module")
def model(vocabulary: Vocabulary) -> Generator:
    """A random model whose texts end now and then."""
    torch.manual_seed(4)
    model = Generator(small_config(vocabulary)).eval()
    with torch.no_grad():
        # What a position sees must count beside what it holds.
        for weight in model.language.model.layers.parameters():
            weight *= 1 if weight.ndim < 2 else 6
        # Few words in play, so that an end comes soon.
        head = model.language.lm_head.weight
        head[torch.from_numpy(vocabulary.text_mask)] *= 0.1
        head[20:24] *= 10
        head[[vocabulary.goal_codes, vocabulary.kinematics_codes]] *= 3
    return model


def observation(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    source = torch.Generator().manual_seed(seed)
    return (
        torch.randn(2, 3, 32, 32, generator=source),
        torch.randn(8, generator=source),
    )


def wordy(decoder: BilevelDecoder) -> tuple:
    """The same for one observation, with words on both levels."""
    return next(f for f in complete(decoder, 20) if f[2].words.goal and f[2].words.kinematics)


def complete(decoder: BilevelDecoder, count: int) -> list:
    """Observations for which the random model writes a complete output, with that output."""
    found = []
    for seed in range(10 * count):
        images, state = observation(seed)
        try:
            found.append((images, state, decoder.generate(INSTRUCTION, images, state)))
        except GenerationError:
            continue
        if len(found) == count:
            return found
    raise AssertionError("the random model hardly ever ends its texts")


def spoilt(words: tuple[int, ...], vocabulary: Vocabulary, rng: random.Random) -> tuple[int, ...]:
    """The draft with one word changed, dropped or added."""
    other = rng.choice([i for i in range(len(vocabulary)) if vocabulary.is_text(i)])
    place = rng.randrange(len(words) + 1)
    return rng.choice(
        [(*words[:place], other, *words[place + 1 :]), words[:place], (*words, other)]
    )


def test_any_draft_gives_what_plain_greedy_decoding_gives(model, vocabulary) -> None:
    decoder, rng = BilevelDecoder(model, vocabulary), random.Random(0)
    for images, state, plain in complete(decoder, 50):
        drafts = [
            plain.words,
            Draft(spoilt(plain.words.goal, vocabulary, rng), plain.words.kinematics),
            Draft(plain.words.goal, spoilt(plain.words.kinematics, vocabulary, rng)),
            Draft(
                spoilt(plain.words.goal, vocabulary, rng),
                spoilt(plain.words.kinematics, vocabulary, rng),
            ),
        ]
        for draft in drafts:
            again = decoder.generate(INSTRUCTION, images, state, draft)
            assert again.words == plain.words
            assert again.goal_codes == plain.goal_codes
            assert again.kinematics_codes == plain.kinematics_codes
            assert again.draft_accepted == (draft == plain.words)


def test_a_draft_for_a_new_instruction_changes_nothing_either(model, vocabulary) -> None:
    decoder, rng = BilevelDecoder(model, vocabulary), random.Random(1)
    for images, state, plain in complete(decoder, 20):
        for words in (
            plain.words,
            Draft(plain.words.goal, spoilt(plain.words.goal, vocabulary, rng)),
        ):
            fresh = BilevelDecoder(model, vocabulary)
            again = fresh.generate(INSTRUCTION, images, state, words)
            assert again.words == plain.words
            assert again.goal_codes == plain.goal_codes
            assert again.kinematics_codes == plain.kinematics_codes
            kept = fresh.generate(INSTRUCTION, images, state, plain.words)
            assert kept == dataclasses.replace(again, draft_accepted=True, passes=kept.passes)


def test_a_draft_longer_than_a_text_may_be_is_none(model, vocabulary) -> None:
    decoder = BilevelDecoder(model, vocabulary)
    images, state, plain = complete(decoder, 1)[0]
    long = (20,) * (model.config.max_text_tokens + 1)
    assert decoder.generate(INSTRUCTION, images, state, Draft(long, long)) == plain


def test_an_accepted_draft_costs_one_pass_per_code(model, vocabulary) -> None:
    decoder = BilevelDecoder(model, vocabulary)
    images, state, plain = wordy(decoder)
    warm = decoder.generate(INSTRUCTION, images, state, plain.words)
    config = model.config
    assert warm.draft_accepted
    assert warm.passes == config.goal_codes + config.kinematics_codes


def test_codes_always_lie_in_their_own_codebook(model, vocabulary) -> None:
    decoder = BilevelDecoder(model, vocabulary)
    for _, _, plain in complete(decoder, 20):
        for code in (*plain.goal_codes, *plain.kinematics_codes):
            assert 0 <= code < model.config.codes_per_level
        for word in (*plain.words.goal, *plain.words.kinematics):
            assert vocabulary.is_text(word)


def test_a_text_without_end_is_an_error_and_no_motion(vocabulary) -> None:
    torch.manual_seed(1)
    model = Generator(small_config(vocabulary)).eval()
    with torch.no_grad():
        model.language.lm_head.weight[vocabulary.goal_codes] = 0
        model.language.lm_head.weight[: vocabulary.goal_codes] *= 0.01
        model.language.lm_head.weight[20] += 10 * torch.randn(64)
    decoder = BilevelDecoder(model, vocabulary)
    failures = 0
    for seed in range(4):
        try:
            decoder.generate(INSTRUCTION, *observation(seed))
        except GenerationError as problem:
            assert "ran past" in str(problem)
            failures += 1
    assert failures > 0


def test_a_new_instruction_is_read_and_the_old_one_forgotten(model, vocabulary) -> None:
    shared, fresh = BilevelDecoder(model, vocabulary), BilevelDecoder(model, vocabulary)
    images, state, _ = complete(shared, 1)[0]
    other = "hold the carrot by the lower part and place it on the left side of the plate"
    try:
        expected = fresh.generate(other, images, state)
    except GenerationError:
        pytest.skip("the random model does not end its text for this instruction")
    assert shared.generate(other, images, state) == expected


def test_a_failed_generation_leaves_the_decoder_usable(model, vocabulary) -> None:
    decoder = BilevelDecoder(model, vocabulary)
    images, state, plain = complete(decoder, 1)[0]
    with pytest.raises(InstructionTooLong):
        decoder.generate("please " * 40, images, state)
    assert decoder.generate(INSTRUCTION, images, state) == plain


def test_an_instruction_that_does_not_fit_is_refused_by_its_length(vocabulary) -> None:
    config = dataclasses.replace(small_config(vocabulary), max_instruction_tokens=4)
    with pytest.raises(InstructionTooLong, match="room for 4"):
        instruction_ids(vocabulary, config, INSTRUCTION)


def test_images_and_state_are_read_without_the_instruction(model, vocabulary) -> None:
    config = model.config
    observed = []
    for instruction in (INSTRUCTION, "take the bread and move it to the left front"):
        ids, segments = instruction_ids(vocabulary, config, instruction)
        tokens = model.observe(*(t[None] for t in observation(0)))
        embeddings = torch.cat([model.embed(torch.tensor([ids])), tokens], 1)
        all_segments = [*segments, *[int(Segment.OBSERVATION)] * tokens.shape[1]]
        with torch.inference_mode():
            _, hidden = model(embeddings, torch.tensor([all_segments]))
        observed.append(hidden[0, len(ids) :])
    torch.testing.assert_close(observed[0], observed[1], atol=1e-5, rtol=1e-5)


def test_the_models_own_words_given_back_change_nothing(model, vocabulary) -> None:
    decoder = BilevelDecoder(model, vocabulary)
    for images, state, plain in complete(decoder, 10):
        given = Given(plain.words.goal, plain.words.kinematics)
        again = decoder.generate(INSTRUCTION, images, state, Draft((20,), (21,)), given)
        assert again.words == plain.words
        assert (again.goal_codes, again.kinematics_codes) == (
            plain.goal_codes,
            plain.kinematics_codes,
        )
        assert not again.draft_accepted
        assert again.passes == model.config.goal_codes + model.config.kinematics_codes


def test_words_of_one_level_are_taken_and_the_other_level_is_still_verified(
    model, vocabulary
) -> None:
    decoder = BilevelDecoder(model, vocabulary)
    images, state, plain = complete(decoder, 1)[0]
    words = tuple(vocabulary.encode_text(kinematics_text(TASKS[4])))
    draft = Draft(spoilt(plain.words.goal, vocabulary, random.Random(1)), plain.words.kinematics)
    taken = decoder.generate(INSTRUCTION, images, state, draft, Given(kinematics=words))
    assert taken.words == Draft(plain.words.goal, words)
    assert taken.goal_codes == plain.goal_codes


def test_given_codes_stand_and_later_ones_follow_them(model, vocabulary) -> None:
    decoder = BilevelDecoder(model, vocabulary)
    images, state, plain = complete(decoder, 1)[0]
    words = Given(plain.words.goal, plain.words.kinematics)
    followed = set()
    for code in range(0, 128, 2):
        given = dataclasses.replace(words, goal_codes=(code, code))
        taken = decoder.generate(INSTRUCTION, images, state, None, given)
        assert taken.goal_codes == (code, code)
        followed.add(taken.kinematics_codes)
    assert len(followed) > 1


def test_no_words_at_all_can_be_given(model, vocabulary) -> None:
    decoder = BilevelDecoder(model, vocabulary)
    images, state, plain = wordy(decoder)
    taken = decoder.generate(INSTRUCTION, images, state, plain.words, Given((), ()))
    assert taken.words == Draft((), ())
    assert decoder.generate(INSTRUCTION, images, state, plain.words) == dataclasses.replace(
        plain, draft_accepted=True, passes=4
    )


def hidden_of(model, vocabulary, segment: Segment, said: str, how: str, codes: list[int]):
    """Hidden states of one kind of position in a written part."""
    ids, segments = instruction_ids(vocabulary, model.config, said)
    written = tail(vocabulary, goal_text(TASKS[0]), how, codes[:2], codes[2:])
    observed = model.observe(*(t[None] for t in observation(0)))
    embeddings = torch.cat(
        [model.embed(torch.tensor([ids])), observed, model.embed(torch.tensor([written.ids]))], 1
    )
    all_segments = [*segments, *[int(Segment.OBSERVATION)] * observed.shape[1], *written.segments]
    with torch.inference_mode():
        _, hidden = model(embeddings, torch.tensor([all_segments]), with_logits=False)
    return hidden[0, -len(written.ids) :][torch.tensor(written.segments) == segment]


def differ(one: torch.Tensor, other: torch.Tensor) -> bool:
    return bool((one - other).abs().max() > 1e-3)


HOW, OTHER_HOW, CODES = kinematics_text(TASKS[0]), kinematics_text(TASKS[1]), [1, 2, 3, 4]


@pytest.mark.parametrize("segment", [Segment.READING, Segment.CODES, Segment.ECHO])
def test_nothing_behind_the_written_words_knows_the_instruction(model, vocabulary, segment) -> None:
    one = hidden_of(model, vocabulary, segment, INSTRUCTION, HOW, CODES)
    other = hidden_of(model, vocabulary, segment, "take the bread", HOW, CODES)
    torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)
    written = hidden_of(model, vocabulary, Segment.WORDS, INSTRUCTION, HOW, CODES)
    assert differ(written, hidden_of(model, vocabulary, Segment.WORDS, "take it", HOW, CODES))


def test_codes_know_the_words_and_their_echo_does_not(model, vocabulary) -> None:
    for segment, knows in ((Segment.CODES, True), (Segment.ECHO, False)):
        one = hidden_of(model, vocabulary, segment, INSTRUCTION, HOW, CODES)
        other = hidden_of(model, vocabulary, segment, INSTRUCTION, OTHER_HOW, CODES)
        assert differ(one, other) == knows


def test_words_as_read_know_no_codes(model, vocabulary) -> None:
    one = hidden_of(model, vocabulary, Segment.READING, INSTRUCTION, HOW, CODES)
    other = hidden_of(model, vocabulary, Segment.READING, INSTRUCTION, HOW, [5, 6, 7, 8])
    torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-5)


def test_a_refusal_in_words_is_reported_and_gives_no_codes(model, vocabulary, monkeypatch) -> None:
    decoder = BilevelDecoder(model, vocabulary)
    images, state, plain = complete(decoder, 1)[0]
    monkeypatch.setattr(decoder, "_refusal", plain.words.goal)
    for draft in (None, plain.words):
        with pytest.raises(Refusal, match=REFUSAL):
            decoder.generate(INSTRUCTION, images, state, draft)
