"""Low-rank adapters on a converted OpenVLA model, and the module that a trainer trains.

The recipe is the original's (`vla-scripts/finetune.py`): rank 32, alpha 16, gaussian start, every
linear layer. Its `all-linear` reached the patch convolutions and the output head as well; today's
peft leaves them out under that name, so they are named here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners.lora import LoraLayer
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers.modeling_layers import GradientCheckpointingLayer

from kinevla_ros.base.files.tensor_file import TensorFile, write_tensors
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.network.model import Generator
from kinevla_ros.generator.weights import MODEL_FILE, read_generator
from kinevla_ros.language.tokenizer.llama_vocabulary import LlamaVocabulary
from kinevla_ros.training.generator.objective import Batch, LossWeights, losses

ADAPTER_FILE = "adapter_model.safetensors"
ADAPTED = ("vision", "projector", "language")
TRAINED_WHOLE = ["words_head", "codes_head", "temperature"]


@dataclass(frozen=True)
class LoraSettings:
    """How to fine-tune.

    Attributes:
        steps: optimiser steps.
        batch_size: samples of one device in one pass; InfoNCE compares those.
        accumulation: passes of an optimiser step.
        learning_rate: of AdamW, constant.
        rank, alpha: of the adapters; their product is scaled by alpha / rank.
        alternative_share, refusal_share: as in `GeneratorSettings`.
        seed: of samples and adapters.
        save_every: steps between checkpoints.
    """

    steps: int = 50_000
    batch_size: int = 8
    accumulation: int = 1
    learning_rate: float = 5e-4
    rank: int = 32
    alpha: int = 16
    alternative_share: float = 0.5
    refusal_share: float = 0.15
    seed: int = 0
    save_every: int = 1000
    weights: LossWeights = field(default_factory=LossWeights)


class BilevelObjective(nn.Module):
    """A generator with the bi-level objective as its forward pass, as a trainer wants it.

    Attributes:
        held_blocks: so many blocks, in the order of `MemoryEstimate.blocks`, keep their
            activations for the backward pass where those of the others are computed again.
    """

    accepts_loss_kwargs = False  # every term is a mean of its own; the trainer shall not rescale it

    def __init__(self, generator: Generator, weights: LossWeights) -> None:
        super().__init__()
        self.generator = generator
        self.weights = weights
        self.held_blocks = 0

    def forward(
        self,
        images: Tensor,
        state: Tensor,
        prompt: Tensor,
        prompt_segments: Tensor,
        tail: Tensor,
        tail_segments: Tensor,
        targets: Tensor,
        text: Tensor,
        code: Tensor,
        command: Tensor,
        starts: Tensor,
        motion: Tensor,
        scene: Tensor,
    ) -> dict[str, Tensor]:
        """Fields of a `Batch` to `loss`, its terms and figures to log."""
        batch = Batch(
            images=images,
            state=state,
            prompt=prompt,
            prompt_segments=prompt_segments,
            tail=tail,
            tail_segments=tail_segments,
            targets=targets,
            text=text,
            code=code,
            command=command,
            starts=starts,
            motion=motion,
            scene=scene,
        )
        terms, figures = losses(self.generator, batch, motion_head=None)
        weights = asdict(self.weights)
        loss = torch.stack([weights[name] * value for name, value in terms.items()]).sum()
        shown = {name: value.detach() for name, value in (terms | figures).items()}
        return {"loss": loss, **shown}

    def activation_checkpointing_enable(self, **options: Any) -> None:
        """Keep only each block's input for the backward pass, but of the held ones everything."""
        for part in self.generator.modules():
            if isinstance(part, PreTrainedModel) and part.supports_gradient_checkpointing:
                part.activation_checkpointing_enable(**options)
        # The backward pass is done with a part's last blocks before it computes any other again.
        layers = [
            layer
            for part in (self.generator.language, self.generator.vision)
            for layer in reversed(list(part.modules()))
            if isinstance(layer, GradientCheckpointingLayer)
        ]
        for layer in layers[: self.held_blocks]:
            layer.gradient_checkpointing = False


def adapted_modules(model: nn.Module) -> list[str]:
    """Names of the linear layers and patch convolutions below `vision`, `projector`, `language`."""
    return [
        name
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
        and name.removeprefix("generator.").startswith(ADAPTED)
    ]


def add_adapters(
    generator: Generator, vocabulary: LlamaVocabulary, settings: LoraSettings
) -> PeftModel:
    """Freeze a generator and put fresh adapters on it.

    The heads of the InfoNCE loss train whole; of the input embedding train the rows that mean
    something new. Whatever trains does so in float32; a generator in bfloat16 wants autocast.
    """
    torch.manual_seed(settings.seed)
    for name in TRAINED_WHOLE:
        generator.get_submodule(name).float()
    objective = BilevelObjective(generator, settings.weights)
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=0.0,
        init_lora_weights="gaussian",
        target_modules=adapted_modules(objective),
        modules_to_save=TRAINED_WHOLE,
        trainable_token_indices={"embed_tokens": vocabulary.trained_rows},
    )
    model = get_peft_model(objective, config)
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    if generator.language.dtype == torch.bfloat16:
        cast_inputs(model, False)
    return model


def cast_inputs(model: nn.Module, cast: bool) -> None:
    """Whether adapters copy what they read to their own type, float32.

    Under autocast their products take bfloat16 in any case, and the copies change nothing. (peft's
    `disable_input_dtype_casting` does not know the layer of single rows that train.)
    """
    for part in model.modules():
        if isinstance(part, LoraLayer):
            part.cast_input_dtype_enabled = cast


def merge_adapter(base: Path, adapter: Path, config: GeneratorConfig, out: Path) -> None:
    """Fold a saved adapter into the base weights and write `model.safetensors`.

    Args:
        base: folder of the converted checkpoint, for its weights.
        adapter: folder that `PeftModel.save_pretrained` wrote.
        config: of the fine-tuned model.
        out: folder of the result.

    Raises:
        FileNotFoundError, ManifestError, TensorFileError, WeightsError: see `read_generator`; the
            adapter's file may be missing or hold NaN as well.
    """
    # Without this file peft would look for a pickle, then on the network.
    with TensorFile(adapter / ADAPTER_FILE) as file:
        for name in file.tensors:
            file.read(name)
    fresh = read_generator(base, config)
    dtypes = {name: value.dtype for name, value in fresh.state_dict().items()}
    objective = BilevelObjective(fresh, LossWeights())
    merged = PeftModel.from_pretrained(objective, str(adapter)).merge_and_unload()
    state = merged.generator.state_dict()
    plan = {
        name: torch.empty_like(v, dtype=dtypes[name], device="meta") for name, v in state.items()
    }
    write_tensors(out / MODEL_FILE, plan, (v.to(dtypes[name]) for name, v in state.items()))


_OF_FORESIGHT = ("ahead", "followed")
"""Adapters predict no pictures."""


def as_fields(batch: Batch) -> dict[str, Tensor]:
    """A batch as keyword arguments of `BilevelObjective.forward`."""
    return {f.name: getattr(batch, f.name) for f in fields(Batch) if f.name not in _OF_FORESIGHT}
