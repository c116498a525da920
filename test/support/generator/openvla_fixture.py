"""A small random checkpoint in OpenVLA's published layout, with the original's outputs."""

import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from shipped_tasks import TASKS, goal_text, kinematics_text
from tokenizers import AddedToken, Tokenizer, decoders, normalizers
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from torch import Tensor

from kinevla_ros.language.grammar import instruction

FIXTURE = Path(__file__).parents[2] / "fixtures" / "openvla"
TEXT_IDS, CODES = 512, 32


def published(
    folder: Path, files: int = 1, patches: int = 256, dtype: torch.dtype = torch.float32
) -> Path:
    """The fixture's checkpoint as one file, or sharded with an index; and a tokenizer.

    Fewer patches make it one for smaller images, which is fast.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("config.json", "fixture.json"):
        (folder / name).write_text((FIXTURE / name).read_text())
    tensors = load_file(FIXTURE / "model.safetensors")
    for name in [name for name in tensors if name.endswith("pos_embed")]:
        tensors[name] = tensors[name][:, :patches].contiguous()
    tensors = {name: tensor.to(dtype) for name, tensor in tensors.items()}
    if files == 1:
        save_file(tensors, folder / "model.safetensors")
    else:
        shard(tensors, folder, files)
    llama_tokenizer().save(str(folder / "tokenizer.json"))
    return folder


def shard(tensors: dict[str, Tensor], folder: Path, files: int) -> None:
    """Write tensors over several files with an index, as large checkpoints come."""
    places = {}
    names = sorted(tensors)
    for number in range(files):
        file = f"model-{number + 1:05d}-of-{files:05d}.safetensors"
        part = {name: tensors[name] for name in names[number::files]}
        save_file(part, folder / file)
        places |= dict.fromkeys(part, file)
    index = {"metadata": {}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def llama_tokenizer() -> Tokenizer:
    """A tokenizer built as Llama's is, with 512 ids, the last of them rare characters."""
    special = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256))]
    trained = Tokenizer(BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    trained.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    rng = np.random.default_rng(0)
    corpus = [write(task) for task in TASKS for write in (goal_text, kinematics_text)]
    corpus += [instruction(task, rng) for task in TASKS for _ in range(5)]
    trainer = BpeTrainer(
        vocab_size=TEXT_IDS - 2 * CODES, special_tokens=special, show_progress=False
    )
    trained.train_from_iterator(corpus, trainer)
    model = json.loads(trained.to_str())["model"]
    vocabulary = model["vocab"]
    while len(vocabulary) < TEXT_IDS:
        vocabulary[chr(0x4E00 + len(vocabulary))] = len(vocabulary)
    merges = [tuple(pair) for pair in model["merges"]]
    tokenizer = Tokenizer(
        BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True)
    )
    tokenizer.normalizer = trained.normalizer
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    tokenizer.add_special_tokens([AddedToken(token, special=True) for token in special[:3]])
    tokenizer.add_special_tokens([AddedToken("<PAD>", special=True)])
    return tokenizer
