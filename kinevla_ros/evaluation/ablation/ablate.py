"""The work behind `kinevla ablate`: train variants of the recipe, evaluate them, compare them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from kinevla_ros.base.action_space import RM75
from kinevla_ros.base.files.atomic import write_json, write_text
from kinevla_ros.base.files.damage import for_user
from kinevla_ros.base.files.json_file import read_object
from kinevla_ros.base.files.lock import only_writer, require_free
from kinevla_ros.base.interrupts import INTERRUPTED
from kinevla_ros.data.action_space_file import Wanted
from kinevla_ros.data.lerobot.schema import DatasetError
from kinevla_ros.evaluation.ablation.listening import listening
from kinevla_ros.evaluation.ablation.table import table
from kinevla_ros.evaluation.ablation.variant_policies import open_variant
from kinevla_ros.evaluation.bench.publish import with_machine, write_figures
from kinevla_ros.evaluation.bench.recording import record
from kinevla_ros.evaluation.report.summary import summary
from kinevla_ros.evaluation.suite.episode import EpisodeResult
from kinevla_ros.evaluation.suite.episodes import episodes, run_checkpoint
from kinevla_ros.evaluation.suite.run.progress import gather
from kinevla_ros.generator.checkpoint import CheckpointError
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.decoding.decode import GenerationError
from kinevla_ros.training.codec.stages import CodecSettings
from kinevla_ros.training.generator.batches import GeneratorSettings
from kinevla_ros.training.generator.samples import load_samples
from kinevla_ros.training.pipeline import device
from kinevla_ros.training.variants.run import DONE_FILE, Study, train_variant
from kinevla_ros.training.variants.variants import VARIANTS, Variant, chosen

STUDY_FILE, EVALUATION_FILE = "study.json", "evaluation.json"
FIGURES_FILE, TABLE_FILE = "ablation.json", "ablation.md"
SUITE = "kine_realman"
CURE = "remove it, and the same command makes it again"


def ablate(
    datasets: Sequence[Path],
    out: Path,
    names: Sequence[str],
    steps: int,
    trials: int,
    seed: int,
    workers: int,
    encoder: Path | None = None,
) -> int:
    """Train and evaluate variants and return the exit code: 0 when all are in the table.

    What is done is kept, and found again by another run into the same folder.

    Args:
        datasets: all variants learn from each equally often.
        out: folder for checkpoints, codecs and the table.
        names: of `VARIANTS`.
        steps: batches of each training.
        trials: scenes per task, the same for each variant.
        seed: of weights, batches and scenes.
        workers: processes that evaluate.
        encoder: checkpoint whose encoder all variants start from; a random one without it.
    """
    console, errors = Console(), Console(stderr=True)
    try:
        variants = chosen(names)
        require_free(out)
        samples = load_samples(
            datasets,
            GeneratorConfig.tiny(0).image_size,
            wanted=Wanted(RM75, "the simulated arm"),
        )
        study = Study(
            samples,
            out,
            GeneratorSettings(steps=steps, seed=seed),
            CodecSettings(seed=seed, device=device()),
            encoder,
        )
        compare(study, variants, trials, workers, console)
    except KeyboardInterrupt:
        errors.print(f"[yellow]interrupted; the same command goes on from what is in {out}")
        return INTERRUPTED
    except BrokenProcessPool:
        errors.print("[red]a worker process died, perhaps for want of memory; use fewer --workers")
        return 1
    except (CheckpointError, DatasetError, GenerationError, ValueError, OSError) as problem:
        errors.print(for_user(problem), style="red", markup=False, highlight=False)
        return 1
    return 0


def compare(
    study: Study, variants: Sequence[Variant], trials: int, workers: int, console: Console
) -> list[dict[str, Any]]:
    """Train and evaluate one variant after the other; the table grows with each.

    Returns:
        A row of figures for each variant that was tried in these scenes, now or before.

    Raises:
        ValueError: the folder holds a study with other data or settings.
        FolderInUse: another process writes to it.
    """
    with only_writer(study.out):
        return _compare(study, variants, trials, workers, console)


def _compare(
    study: Study, variants: Sequence[Variant], trials: int, workers: int, console: Console
) -> list[dict[str, Any]]:
    _require_same(study)
    trial = {"suite": SUITE, "trials": trials, "seed": study.generator.seed}
    rows: list[dict[str, Any]] = []
    for number, variant in enumerate(variants, 1):
        console.rule(f"{variant.name}: {variant.changes} ({number} of {len(variants)})")
        folder = train_variant(variant, study)
        if _figures(folder, trial) is None:
            _evaluate(variant, folder, trial, workers, console)
        found = ((study.out / v.name, _figures(study.out / v.name, trial)) for v in VARIANTS)
        rows = [
            {**read_object(own / DONE_FILE, CURE), **figures}
            for own, figures in found
            if figures is not None
        ]
        content = with_machine(
            {
                "steps": study.generator.steps,
                "trials": trials,
                "seed": study.generator.seed,
                "variants": rows,
            }
        )
        write_figures(content, study.out / FIGURES_FILE)
        write_text(study.out / TABLE_FILE, table(content))
    console.print((study.out / TABLE_FILE).read_text(), markup=False, highlight=False)
    console.print(f"written: {study.out / TABLE_FILE}, {study.out / FIGURES_FILE}")
    return rows


def _require_same(study: Study) -> None:
    """Variants trained on other data or for another time would stand in one table unseen."""
    path = study.out / STUDY_FILE
    settings = study.identity()
    if not path.is_file():
        write_json(path, settings)
    found = read_object(path, CURE)
    if found != settings:
        raise ValueError(
            f"{study.out} holds a study with {found}, not {settings}; give another --out"
        )


def _figures(folder: Path, trial: dict[str, Any]) -> dict[str, Any] | None:
    """What an evaluation in these scenes gave; None without one."""
    path = folder / EVALUATION_FILE
    if not path.is_file():
        return None
    found = read_object(path, CURE)
    return found if found.get("trial") == trial else None


def _evaluate(
    variant: Variant, folder: Path, trial: dict[str, Any], workers: int, console: Console
) -> None:
    plan = episodes(trial["suite"], trial["trials"], trial["seed"])
    results: list[EpisodeResult] = []
    load = partial(open_variant, variant, folder)
    with closing(run_checkpoint(load, plan, workers)) as stream:
        gather(stream, len(plan), results, console)
    listens = listening(load(), record(trial["seed"]), trial["seed"])
    figures = {"trial": trial, **summary(results), "listens": listens}
    write_json(folder / EVALUATION_FILE, figures)
