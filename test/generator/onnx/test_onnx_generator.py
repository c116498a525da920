"""The ONNX graphs of the small model: the same output as plain torch, or not used at all."""

import logging
import random
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from shipped_tasks import TASKS, goal_text, kinematics_text, shipped_vocabulary
from small_generator import small_config

from kinevla_ros.base.files.manifest import write_manifest
from kinevla_ros.base.resources import resource_path
from kinevla_ros.generator.decoding.consistency import Consistency
from kinevla_ros.generator.decoding.decode import BilevelDecoder, Draft, GenerationError, Given
from kinevla_ros.generator.network.model import Generator
from kinevla_ros.generator.onnx.generator import ENCODER_FILE, PASS_FILE, GraphsError, OnnxGenerator
from kinevla_ros.generator.pictures.squares import pixels, square, state_tensor
from kinevla_ros.generator.policy import Policy
from kinevla_ros.generator.weights import MODEL_FILE
from kinevla_ros.language.grammar import instruction
from kinevla_ros.language.task_file import kine_realman
from kinevla_ros.language.tokenizer.vocabulary import Vocabulary

SHIPPED = resource_path("models", "kinevla-tiny")
SAID = "pick up the bread and move it to the front"


class Both:
    """Two decoders that are to answer alike."""

    def __init__(self, model: Generator, graphs: OnnxGenerator, vocabulary: Vocabulary) -> None:
        self.model, self.graphs, self.vocabulary = model, graphs, vocabulary
        self.decoders = [BilevelDecoder(each, vocabulary) for each in (model, graphs)]
        self.measures = [Consistency(each, vocabulary, kine_realman()) for each in (model, graphs)]
        self.spent: list[list[float]] = [[], []]

    def answer(self, *asked: object) -> object:
        """What both write, or the error that both raise."""
        found = [self._answer(decoder, *asked) for decoder in self.decoders]
        assert found[0] == found[1]
        return found[0]

    def _answer(self, decoder: BilevelDecoder, *asked: object) -> object:
        started = time.thread_time()
        try:
            return decoder.generate(*asked)
        except GenerationError as problem:
            return repr(problem)
        finally:
            self.spent[self.decoders.index(decoder)].append(time.thread_time() - started)

    def consistency(self, answer: object) -> list[float]:
        pairs = zip(self.measures, self.decoders, strict=True)
        return [measure(answer, decoder.observed()) for measure, decoder in pairs]

    def case(self, images: dict, joints: np.ndarray, gripper: float) -> tuple:
        size = self.model.config.image_size
        squares = np.stack([square(images[name], size) for name in ("front", "wrist")])
        return pixels(self.model.config, squares), state_tensor(np.append(joints, gripper))


@pytest.fixture(scope="module")
def shipped() -> Both:
    policy = Policy(SHIPPED, graphs=False)
    return Both(policy.model, OnnxGenerator(policy.model, SHIPPED), policy.vocabulary)


def test_recorded_moments_give_the_words_codes_and_scores_of_plain_torch_in_less_time(
    shipped: Both, scenes: dict
) -> None:
    rng, warm = np.random.default_rng(0), slice(1, None)
    spent: list[list[float]] = [[], []]
    for command, moments in scenes.items():
        said, draft = instruction(command, rng), None
        shipped.spent = [[], []]
        for seen in moments[::2]:
            answer = shipped.answer(
                said, *shipped.case(seen.images, seen.joints, seen.gripper), draft
            )
            draft = answer.words
            plain, by_graph = shipped.consistency(answer)
            assert by_graph == pytest.approx(plain, abs=1e-4)
        for times, own in zip(spent, shipped.spent, strict=True):
            times += own[warm]
    plain, by_graph = map(np.median, spent)
    assert by_graph < 0.7 * plain


def test_the_texts_of_the_way_that_was_read_draft_what_is_written_without(
    shipped: Both, scenes: dict
) -> None:
    tasks, encode = kine_realman(), shipped.vocabulary.encode_text
    texts = [Draft(*(tuple(encode(text)) for text in both)) for both in tasks.texts()]
    passes: list[int] = []
    for number, moments in enumerate(scenes.values()):
        for moment, seen in enumerate(moments[::13]):
            case = shipped.case(seen.images, seen.joints, seen.gripper)
            # Another way's words too: what the model refuses or contradicts stays as it is.
            for own in (number, (number + moment + 1) % len(texts)):
                said = [way.prompt for _, way in tasks.ways()][own]
                fresh = Both(shipped.model, shipped.graphs, shipped.vocabulary)
                written = shipped.answer(said, *case, None)
                drafted = fresh.answer(said, *case, texts[number])
                if isinstance(written, str):
                    assert drafted == written
                    continue
                for name in ("words", "goal_codes", "kinematics_codes"):
                    assert getattr(drafted, name) == getattr(written, name)
                passes += [drafted.passes] if own == number else []
    assert min(passes) == np.median(passes) == 6


def test_noise_and_drafts_of_other_commands_give_what_plain_torch_gives(shipped: Both) -> None:
    rng, vocabulary = np.random.default_rng(1), shipped.vocabulary
    texts = [
        Draft(*(tuple(vocabulary.encode_text(f(c))) for f in (goal_text, kinematics_text)))
        for c in TASKS
    ]
    for number in range(15):
        images = {
            name: rng.integers(256, size=(240, 320, 3), dtype=np.uint8)
            for name in ("front", "wrist")
        }
        case = shipped.case(images, rng.uniform(-1, 1, 7), rng.uniform(0, 0.07))
        said = instruction(TASKS[number % len(TASKS)], rng)
        for draft in (None, texts[number % len(TASKS)], texts[rng.integers(len(TASKS))]):
            shipped.answer(said, *case, draft)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Both:
    """Random weights whose texts end now and then."""
    pytest.importorskip("onnxscript")
    from kinevla_ros.generator.onnx.export import export_graphs

    vocabulary, folder = shipped_vocabulary(), tmp_path_factory.mktemp("model")
    torch.manual_seed(4)
    model = Generator(small_config(vocabulary)).eval()
    with torch.no_grad():
        for weight in model.language.model.layers.parameters():
            weight *= 1 if weight.ndim < 2 else 6
        head = model.language.lm_head.weight
        head[torch.from_numpy(vocabulary.text_mask)] *= 0.1
        head[20:24] *= 10
        head[[vocabulary.goal_codes, vocabulary.kinematics_codes]] *= 3
    model.config.save(folder)
    save_file(model.state_dict(), folder / MODEL_FILE)
    write_manifest(folder)
    export_graphs(folder)
    return Both(model, OnnxGenerator(model, folder), vocabulary)


def test_any_draft_and_given_words_give_what_plain_torch_gives(small: Both) -> None:
    rng = random.Random(0)
    errors = 0
    for seed in range(140):
        source = torch.Generator().manual_seed(seed)
        case = torch.randn(2, 3, 32, 32, generator=source), torch.randn(8, generator=source)
        plain = small.answer(SAID, *case)
        if isinstance(plain, str):
            errors += 1
            continue
        cut = Draft(plain.words.goal[:1], plain.words.kinematics)
        for draft in (plain.words, cut):
            small.answer(SAID, *case, draft)
        words = tuple(rng.choices(range(11, 60), k=seed % 5))
        for given in (Given((), ()), Given(kinematics=words), Given(goal=words)):
            small.answer(SAID, *case, plain.words, given)
    assert 0 < errors < 110
    # With the recorded moments, the ways' texts and noise above more than 600.
    assert len(small.spent[0]) >= 420


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "model"))


def spoil_weights(folder: Path) -> None:
    weights = load_file(folder / MODEL_FILE)
    weights["language.lm_head.weight"][0] += 1.0
    save_file(weights, folder / MODEL_FILE)
    write_manifest(folder)


def cut_short(folder: Path) -> None:
    graph = folder / PASS_FILE
    graph.write_bytes(graph.read_bytes()[:1000])


def cut_short_and_listed(folder: Path) -> None:
    cut_short(folder)
    write_manifest(folder)


def pointed_elsewhere(folder: Path) -> None:
    graph = folder / ENCODER_FILE
    elsewhere = "/etc/" + MODEL_FILE[5:]
    graph.write_bytes(graph.read_bytes().replace(MODEL_FILE.encode(), elsewhere.encode()))
    write_manifest(folder)


def unlisted(folder: Path) -> None:
    graph = folder / ENCODER_FILE
    kept = graph.read_bytes()
    graph.unlink()
    write_manifest(folder)
    graph.write_bytes(kept)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda folder: (folder / ENCODER_FILE).unlink(), f"{ENCODER_FILE} is missing"),
        (cut_short, f"{PASS_FILE} is damaged"),
        (cut_short_and_listed, f"{PASS_FILE} is damaged"),
        (pointed_elsewhere, "lies in another file"),
        (unlisted, f"does not list {ENCODER_FILE}"),
        (spoil_weights, "belongs to other weights"),
    ],
)
def test_graphs_that_are_missing_or_of_other_weights_are_not_used_and_the_log_says_why(
    copy: Path, caplog: pytest.LogCaptureFixture, spoil, why: str
) -> None:
    assert Policy(copy).backend == "ONNX graphs"
    assert not caplog.records
    spoil(copy)
    with caplog.at_level(logging.WARNING, "kinevla_ros"):
        assert Policy(copy).backend == "plain torch"
    assert f"kinevla export-graphs {copy}" in caplog.text
    with pytest.raises(GraphsError, match=why):
        OnnxGenerator(Policy(copy, graphs=False).model, copy)


def test_graphs_that_differ_from_their_model_are_not_left_there(copy: Path) -> None:
    pytest.importorskip("onnxscript")
    from kinevla_ros.generator.onnx.export import check_graphs

    model = Policy(copy, graphs=False).model
    check_graphs(model, copy)
    with torch.no_grad():
        model.language.model.layers[2].mlp.down_proj.weight[:, 5] += 1.0
    with pytest.raises(ValueError, match="differ from the model"):
        check_graphs(model, copy)
    assert not (copy / ENCODER_FILE).exists()
    assert not (copy / PASS_FILE).exists()


def test_the_graphs_hold_no_weights_of_their_own() -> None:
    for name in (ENCODER_FILE, PASS_FILE):
        assert (SHIPPED / name).stat().st_size < 0.05 * (SHIPPED / MODEL_FILE).stat().st_size
