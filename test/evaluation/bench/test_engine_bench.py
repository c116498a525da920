"""The benches of the full-size model run cut down on a CPU and count what they should."""

import json
import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from kinevla_ros.evaluation.bench import lora as lora_bench
from kinevla_ros.evaluation.bench.engine import engine as engine_bench
from kinevla_ros.evaluation.bench.engine import generate as generate_bench
from kinevla_ros.evaluation.bench.engine import roofline
from kinevla_ros.evaluation.bench.engine import subject as bench_subject
from kinevla_ros.evaluation.bench.engine.engine_tables import tables
from kinevla_ros.evaluation.bench.engine.random_model import cut_down, full_size
from kinevla_ros.generator.config import GeneratorConfig
from kinevla_ros.generator.weights import skeleton

CPU = torch.device("cpu")


@pytest.fixture
def config() -> GeneratorConfig:
    """Cut down further, with 16 patches an image."""
    cut = cut_down()
    small = {"image_size": 56, "hidden_size": 32, "num_hidden_layers": 1}
    vision = cut.vision | {k: cut.vision[k] | small for k in ("dino", "siglip")}
    language = cut.language | {"num_hidden_layers": 1}
    return replace(
        cut,
        vision=vision,
        language=language,
        image_size=56,
        image_tokens=16,
        max_text_tokens=14,
        vocabulary_size=1088,
    )


def test_the_full_size_is_that_of_the_published_model() -> None:
    parameters = sum(p.numel() for p in skeleton(full_size()).parameters())
    # Without each tower's last block, SigLIP's pooling and the final norms, with our two heads.
    assert 7.49e9 < parameters < 7.52e9


def test_operations_of_the_full_size_are_those_known_of_it() -> None:
    work = roofline.chunk_work(full_size(), goal=10, kinematics=100, itemsize=2)
    operations = {name: sum(w.operations for w in passes) / 1e12 for name, passes in work.items()}
    assert operations["vision"] == pytest.approx(0.81, rel=0.05)
    reads = [w.bytes / 1e9 for w in work["verify"] + work["codes"]]
    assert len(reads) == 8
    assert min(reads) > 12.9
    h200 = roofline.Device(bandwidth=4.3e12, rate=790e12)
    assert 30 < roofline.floors(work, h200)["total"] < 40


def test_eight_bits_and_the_depth_head_save_what_they_should() -> None:
    def reads(**options) -> float:
        work = roofline.chunk_work(full_size(), goal=10, kinematics=100, itemsize=2, **options)
        return sum(w.bytes for w in work["verify"] + work["codes"])

    assert reads(block_itemsize=1) == pytest.approx(0.5 * reads(), rel=0.05)
    assert reads(depth_head=True) == pytest.approx(reads() * 2 / 8, rel=0.05)


@pytest.mark.parametrize(("weights", "depth_head"), [(None, False), ("int8", True)])
def test_the_chunk_bench_measures_accepted_drafts(
    config, monkeypatch, tmp_path, weights, depth_head
) -> None:
    monkeypatch.setattr(engine_bench, "STAGE_RUNS", 1)
    monkeypatch.setattr(generate_bench, "RUNS", 1)
    monkeypatch.setattr(bench_subject, "MOMENTS", 1)
    monkeypatch.setattr(bench_subject, "KINEMATICS_WORDS", 12)
    monkeypatch.setattr(roofline, "MATMUL_SIDE", {"cpu": 64})
    monkeypatch.setattr(roofline, "COPY_BYTES", {"cpu": 2**16})
    subject = bench_subject.random_subject(config, CPU, depth_head)
    kept: list[dict] = []
    keep = lambda so_far: kept.append(json.loads(json.dumps(so_far, allow_nan=False)))  # noqa: E731
    table = tmp_path / "profile.txt"
    figures = engine_bench.measure(subject, 2, CPU, weights, keep, table)
    assert kept[0]["warm"] == figures["warm"]
    assert kept[-1] == json.loads(json.dumps(figures))
    assert figures["draft_accepted"]
    codes = config.goal_codes + config.kinematics_codes
    assert figures["passes"] == (2 if depth_head else codes)
    assert figures["tokens"]["kinematics_words"] == 12
    assert figures["warm"]["n"] == 2
    assert figures["drafted_and_written_differ"] == {"n": 1, "differ": 0}
    assert all(figures["stages"][name]["n"] for name in ("preprocess", "vision", "verify", "codes"))
    assert len(tables(figures)) == 2
    assert "operations a chunk" in table.read_text()
    assert "aten::" in table.read_text()
    assert figures["cold"]["n"] == figures["cold_drafted"]["n"] == 1
    assert next(iter(figures["seconds"])) == "warm"
    if weights is None:
        assert [each["n"] for each in figures["generate"].values()] == [1, 1]
        slowest = max(each["p50_ms"] for each in figures["generate"].values())
        assert figures["faster"]["times"] <= round(slowest / figures["warm"]["p50_ms"], 2)
    else:
        assert "generate" not in figures


def test_a_way_of_generate_that_cannot_run_says_why_and_the_best_is_of_the_others() -> None:
    found = {
        "generate": {"n": 3, "p50_ms": 90.0},
        "generate, static cache": {"n": 0, "not_measured": "no compiler"},
    }
    assert generate_bench.best(found, 30.0) == {"than": "generate", "times": 3.0}
    found["generate, static cache"] = {"n": 3, "p50_ms": 45.0}
    assert generate_bench.best(found, 30.0) == {"than": "generate, static cache", "times": 1.5}


def test_a_machine_for_models_alone_needs_no_simulator_and_no_video_reader() -> None:
    modules = (
        "kinevla_ros.evaluation.bench.engine.engine",
        "kinevla_ros.evaluation.bench.lora",
        "kinevla_ros.evaluation.bench.flips",
        "kinevla_ros.generator.policy",
        "kinevla_ros.cli",
    )
    absent = ("mujoco", "pinocchio", "coal", "ruckig", "av")
    program = f"import sys, {', '.join(modules)}; print([m for m in {absent} if m in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.stdout.strip() == "[]", ran.stderr


def test_the_fine_tuning_bench_takes_steps(config) -> None:
    figures = lora_bench.measure_steps(config, batch_size=2, steps=1, device=CPU)
    assert figures["step"]["n"] == 1
    assert figures["trained_parameters"] > 0
