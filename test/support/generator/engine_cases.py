"""Small models of both layouts with random weights, and what to ask them."""

import random
from dataclasses import replace
from pathlib import Path

import torch
from openvla_fixture import CODES, llama_tokenizer, published
from shipped_tasks import shipped_vocabulary
from small_generator import small_config

from kinevla_ros.evaluation.bench.engine.random_model import plant_words
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.decoding.decode import Draft
from kinevla_ros.generator.network.model import Generator
from kinevla_ros.generator.openvla.openvla import convert_openvla
from kinevla_ros.generator.weights import read_generator
from kinevla_ros.language.tokenizer.llama_vocabulary import LlamaVocabulary
from kinevla_ros.language.tokenizer.vocabulary import Vocabulary

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
INSTRUCTIONS = (
    "pick up the bread and move it to the front",
    "hold the carrot by the lower part and place it on the left side of the plate",
)


def tiny(_: Path) -> tuple[Generator, Vocabulary]:
    """Prompt first and kept, images that see each other, a state token."""
    vocabulary = shipped_vocabulary()
    torch.manual_seed(0)
    return Generator(small_config(vocabulary)).eval(), vocabulary


def openvla(folder: Path) -> tuple[Generator, Vocabulary]:
    """Images first, two towers."""
    convert_openvla(published(folder / "published", patches=16), folder / "ours")
    model = read_generator(folder / "ours", GeneratorConfig.load(folder / "ours"), torch.float32)
    config = replace(
        model.config,
        max_instruction_tokens=96,
        max_text_tokens=14,
        goal_codes=2,
        codes_per_level=CODES,
    )
    model.config = config
    return model, LlamaVocabulary(llama_tokenizer(), config.vocabulary_size, CODES)


def case(model: Generator, vocabulary: Vocabulary, seed: int) -> tuple:
    """A random output head that writes random words for a random observation."""
    source, rng = torch.Generator().manual_seed(seed), random.Random(seed)
    config = model.config
    shape = (2, 6 if config.images_first else 3, config.image_size, config.image_size)
    images = torch.randn(shape, generator=source).to(DEVICE)
    state = torch.randn(8, generator=source).to(DEVICE)
    with torch.no_grad():
        head = torch.randn(model.language.lm_head.weight.shape, generator=source)
        model.language.lm_head.weight.copy_(head)
    text = torch.from_numpy(vocabulary.text_mask).nonzero().flatten().tolist()
    words = [rng.choices(text, k=rng.randrange(config.max_text_tokens + 1)) for _ in range(2)]
    said = INSTRUCTIONS[seed // 4 % 2]
    plant_words(model, vocabulary, said, images, state, *words)
    return said, images, state, Draft(*map(tuple, words))


def spoilt(words: tuple[int, ...], vocabulary: Vocabulary, rng: random.Random) -> tuple[int, ...]:
    """The draft with one word changed, dropped or added."""
    other = rng.choice([i for i in range(len(vocabulary)) if vocabulary.is_text(i)])
    place = rng.randrange(len(words) + 1)
    return rng.choice(
        [(*words[:place], other, *words[place + 1 :]), words[:place], (*words, other)]
    )
