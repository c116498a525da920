"""Models with random weights for measuring speed: OpenVLA's full size, and a cut-down one.

How long a pass takes does not depend on the weights, but whether a draft stands does. So the
output head is fitted, in closed form, to write a given text for a given observation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from torch import Tensor

from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.config_checks import FUSED
from kinevla_ros.generator.decoding.depth_head import DepthHead
from kinevla_ros.generator.decoding.sequence import instruction_ids
from kinevla_ros.generator.network.model import Generator
from kinevla_ros.generator.network.segments import Segment
from kinevla_ros.generator.pictures.squares import DINO_MEAN, DINO_STD, SIGLIP_MEAN, SIGLIP_STD
from kinevla_ros.generator.weights import skeleton
from kinevla_ros.language.tokenizer.llama_vocabulary import LlamaVocabulary
from kinevla_ros.language.tokenizer.vocabulary import LEVELS, Level, Vocabulary

SCALE = 0.02
MARGIN = 20.0
RIDGE = 1e-6
PADDED_ROWS = 64
"""Of the embedding behind Llama's text."""


def full_size() -> GeneratorConfig:
    """Shape of the published OpenVLA-7B with two images, 4 + 4 codes of K = 256."""
    common = {"patch_size": 14, "image_size": 224, "layer_norm_eps": 1e-6, "hidden_act": "gelu"}
    vision = {
        "model_type": FUSED,
        "means": [*DINO_MEAN, *SIGLIP_MEAN],
        "stds": [*DINO_STD, *SIGLIP_STD],
        "dino": {
            "hidden_size": 1024,
            "num_hidden_layers": 23,
            "num_attention_heads": 16,
            "mlp_ratio": 4,
            "num_register_tokens": 4,
            **common,
        },
        "siglip": {
            "hidden_size": 1152,
            "num_hidden_layers": 26,
            "num_attention_heads": 16,
            "intermediate_size": 4304,
            "vision_use_head": False,
            **common,
        },
    }
    language = {
        "hidden_size": 4096,
        "intermediate_size": 11008,
        "num_hidden_layers": 32,
        "num_attention_heads": 32,
        "max_position_embeddings": 2048,
        "rms_norm_eps": 1e-6,
        "attn_implementation": "sdpa",
    }
    return GeneratorConfig(
        vision=vision,
        language=language,
        image_size=224,
        image_tokens=256,
        vocabulary_size=32064,
        state_dim=0,
        max_instruction_tokens=64,
        max_text_tokens=160,
        goal_codes=4,
        kinematics_codes=4,
        codes_per_level=256,
        embedding_dim=256,
        projector=[8704, 4096],
        image_positions=False,
        images_first=True,
    )


def cut_down() -> GeneratorConfig:
    """The same with few and narrow blocks, for a CPU; tokens and vocabulary as in full size."""
    full = full_size()
    narrow = {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    vision = full.vision | {
        "dino": full.vision["dino"] | narrow,
        "siglip": full.vision["siglip"] | narrow | {"intermediate_size": 512},
    }
    language = full.language | {
        "hidden_size": 256,
        "intermediate_size": 688,
        "num_hidden_layers": 4,
        "num_attention_heads": 4,
    }
    return replace(full, vision=vision, language=language, projector=[512, 256])


def random_generator(
    config: GeneratorConfig, device: str | torch.device, dtype: torch.dtype, seed: int = 0
) -> Generator:
    """A generator with weights drawn on the device; nothing of its size passes through the CPU."""
    model = skeleton(config)
    source = torch.Generator(device).manual_seed(seed)
    state = {}
    for name, like in model.state_dict().items():
        tensor = torch.empty(like.shape, dtype=dtype, device=device)
        if name.endswith(("norm.weight", "norm1.weight", "norm2.weight", "lambda1")):
            state[name] = tensor.fill_(1.0)
        else:
            state[name] = tensor.normal_(0, SCALE, generator=source)
    model.load_state_dict(state, assign=True)
    return model.to(device).eval()


def nameless_vocabulary(config: GeneratorConfig) -> LlamaVocabulary:
    """Ids of Llama's layout without its tokens, of which no speed depends."""
    text = config.vocabulary_size - PADDED_ROWS
    names = ["<unk>", "<s>", "</s>", *(f"word{i}" for i in range(3, text))]
    tokens = {name: index for index, name in enumerate(names)}
    tokenizer = Tokenizer(WordLevel(tokens, unk_token="<unk>"))
    return LlamaVocabulary(tokenizer, config.vocabulary_size, config.codes_per_level)


@torch.inference_mode()
def plant_words(
    model: Generator,
    vocabulary: Vocabulary,
    instruction: str,
    images: Tensor,
    state: Tensor,
    goal: Sequence[int],
    kinematics: Sequence[int],
    depth_head: DepthHead | None = None,
) -> None:
    """Fit the output head so that the model writes these words for this observation.

    Args:
        images, state: as `BilevelDecoder.generate` takes them.
        goal, kinematics: word ids of both levels.
        depth_head: chooses the later codes, if it is to do so afterwards.

    Raises:
        ValueError: there are more words than the head has columns.
    """
    device = next(model.parameters()).device
    prompt, segments = (
        torch.tensor([x], device=device)
        for x in instruction_ids(vocabulary, model.config, instruction)
    )
    observed = model.observe(images[None].to(device), state[None].to(device))
    embeddings, segments = model.context(prompt, segments, observed)
    head = model.language.lm_head.weight
    text = torch.from_numpy(vocabulary.text_mask).to(device)
    head[text] *= 0.1
    rows, states, written = [], [], _Written(model, embeddings, segments)
    delimiters = (
        (vocabulary.goal, vocabulary.goal_codes),
        (vocabulary.kinematics, vocabulary.kinematics_codes),
    )
    counts = model.config.goal_codes, model.config.kinematics_codes
    for level, (opening, closing), words, count in zip(
        LEVELS, delimiters, (goal, kinematics), counts, strict=True
    ):
        hidden = written.add([opening, *words], Segment.WORDS)
        states.append(hidden)
        rows += [*words, closing]
        written.add(words, Segment.READING)
        last = written.add([closing], Segment.CODES)[-1:]
        _write_codes(written, vocabulary, level, count, last, depth_head)
    _fit(head, rows, torch.cat(states))


def _write_codes(
    written: _Written,
    vocabulary: Vocabulary,
    level: Level,
    count: int,
    last: Tensor,
    depth_head: DepthHead | None,
) -> None:
    """Append the codes of a level as they are chosen; `last` is the state before the first."""
    model, first = written.model, vocabulary.code_id(level, 0)
    codes = model.language.lm_head.weight[first : first + vocabulary.codes_per_level]
    inner = depth_head.begin(last) if depth_head else None
    scores = last @ codes.T
    for _ in range(count):
        token = first + int(scores.argmax())
        last = written.add([token], Segment.CODES)[-1:]
        if depth_head and inner is not None:
            inner = depth_head.step(model.embed(scores.argmax(-1) + first), inner)
            scores = depth_head.logits(level, inner)
        else:
            scores = last @ codes.T


class _Written:
    """A sequence that grows; every addition is read from the start, without a cache."""

    def __init__(self, model: Generator, embeddings: Tensor, segments: Tensor) -> None:
        self.model, self._embeddings, self._segments = model, embeddings, segments

    def add(self, ids: Sequence[int], segment: Segment) -> Tensor:
        """Append ids; returns their last hidden states (N, width)."""
        new = torch.tensor([list(ids)], dtype=torch.int64, device=self._segments.device)
        self._embeddings = torch.cat([self._embeddings, self.model.embed(new)], dim=1)
        self._segments = torch.cat([self._segments, torch.full_like(new, int(segment))], dim=1)
        _, hidden = self.model(self._embeddings, self._segments, with_logits=False)
        return torch.as_tensor(hidden[0, hidden.shape[1] - len(ids) :])


def _fit(head: Tensor, rows: Sequence[int], hidden: Tensor) -> None:
    """Least-norm rows that score MARGIN where they are wanted and 0 at the other positions."""
    if len(hidden) > hidden.shape[1]:
        raise ValueError(f"{len(hidden)} words cannot be fitted to a width of {hidden.shape[1]}")
    distinct = sorted(set(rows))
    wanted = torch.zeros(len(rows), len(distinct), dtype=torch.float64, device=head.device)
    for place, row in enumerate(rows):
        wanted[place, distinct.index(row)] = MARGIN
    states = hidden.double()
    gram = states @ states.T
    gram += RIDGE * gram.diagonal().mean() * torch.eye(len(rows), device=head.device)
    head[distinct] = (states.T @ torch.linalg.solve(gram, wanted)).T.to(head.dtype)
