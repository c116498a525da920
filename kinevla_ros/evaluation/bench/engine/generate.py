"""`transformers`' own generate for as many tokens as a chunk: what the engine is held against."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import torch

from kinevla_ros.base.files.damage import one_line
from kinevla_ros.evaluation.bench.engine.subject import Subject
from kinevla_ros.evaluation.report.statistics import percentiles
from kinevla_ros.generator.decoding.decode import Draft
from kinevla_ros.generator.decoding.sequence import instruction_ids

RUNS = 3
WAYS: dict[str, dict[str, Any]] = {
    "generate": {},
    "generate, static cache": {"cache_implementation": "static"},
}
"""Options of each way. With a static cache generate compiles the model where it has a GPU."""


def generate_times(
    subject: Subject, words: Draft, keep: Callable[[str, dict[str, Any]], None]
) -> None:
    """Hand over the times of each way in ms, or why there are none, as soon as it is measured."""
    for name, options in WAYS.items():
        try:
            keep(name, percentiles(_times(subject, words, options)))
        # What a compiler lacks, or no memory: the other ways are still worth measuring.
        except Exception as problem:
            keep(name, {"n": 0, "not_measured": one_line(problem)})


def best(found: Mapping[str, Mapping[str, Any]], warm: float) -> dict[str, Any]:
    """The fastest way, and how many times faster a warm chunk of `warm` ms is."""
    times = {name: each["p50_ms"] for name, each in found.items() if each["n"]}
    if not times:
        return {}
    name = min(times, key=lambda each: times[each])
    return {"than": name, "times": round(times[name] / warm, 2)}


def _times(subject: Subject, words: Draft, options: Mapping[str, Any]) -> list[float]:
    """Seconds of each run but the first, from pictures to ids on the CPU."""
    model, config = subject.model, subject.model.config
    state = torch.zeros(8, device=model.device)
    count = len(words.goal) + len(words.kinematics) + 4
    count += config.goal_codes + config.kinematics_codes
    ids, segments = (
        torch.tensor([x], device=model.device)
        for x in instruction_ids(subject.vocabulary, config, subject.instruction)
    )
    generate: Any = getattr(model.language, "generate")  # noqa: B009  (typed for other classes)
    found = []
    for _ in range(1 + RUNS):
        started = time.perf_counter()
        seen = model.observe(subject.images()[None], state[None])
        embeddings, _ = model.context(ids, segments, seen)
        mask = torch.ones(embeddings.shape[:2], device=model.device, dtype=torch.int64)
        written = generate(
            inputs_embeds=embeddings,
            attention_mask=mask,
            max_new_tokens=count,
            min_new_tokens=count,
            do_sample=False,
            **options,
        )
        torch.as_tensor(written).tolist()
        found.append(time.perf_counter() - started)
    return found[1:]
