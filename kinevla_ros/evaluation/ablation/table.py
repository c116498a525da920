"""The table of an ablation, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kinevla_ros.evaluation.ablation.listening import INPUTS
from kinevla_ros.evaluation.report.statistics import CONFIDENCE, Rate, drop
from kinevla_ros.training.variants.variants import BILEVEL

CONSTRAINTS = ("part", "side", "direction", "order")
HEADINGS = (
    "variant",
    "goal",
    "kinematic",
    "kinematic lost",
    *CONSTRAINTS,
    *(f"other {name}" for name in INPUTS),
    "parameters",
    "codes",
    "model time",
)


def table(content: Mapping[str, Any]) -> str:
    """Markdown of `ablation.json`: a row for each variant, what they are, how it was measured."""
    rows = content["variants"]
    reference = next((row for row in rows if row["name"] == BILEVEL.name), None)
    host = content["machine"]
    lines = [
        "# Ablation",
        "",
        _line(HEADINGS),
        _line(["---", *["---:"] * (len(HEADINGS) - 1)]),
        *(_line(_cells(row, reference)) for row in rows),
        "",
        f"Rates in %, in brackets Wilson intervals at {CONFIDENCE:.0%}; kinematic lost: points of "
        f"kinematic success against {BILEVEL.name}, with Newcombe's interval; model time: median "
        "of an inference; other pictures, state, words: how much the motion changes when they are "
        "exchanged for another moment's or another way's, against the motion's own size. "
        f"{content['trials']} scenes of each task, the same for every variant, "
        f"never trained on (seed {content['seed']}). Every variant trained {content['steps']} "
        "batches of the same data from the same seed, once: how much another seed would give is "
        "not in the intervals. Variants without words cannot refuse and are shown no nonsense.",
        "",
        f"Machine: {host['cores']} cores of {host['processor']}, {host['memory_gib']} GiB, "
        f"{host['system']}; torch {content['versions']['torch']}.",
        "",
        *(f"- **{row['name']}** ({row['source']}): {row['changes']}." for row in rows),
    ]
    return "\n".join(lines) + "\n"


def _cells(row: Mapping[str, Any], reference: Mapping[str, Any] | None) -> list[str]:
    kinematic, lost = _rate(row, "kinematic_success"), "-"
    if reference is not None and row is not reference:
        fall, (low, high) = drop(_rate(reference, "kinematic_success"), kinematic)
        lost = f"{fall * 100:.0f} ({low * 100:.0f} to {high * 100:.0f})"
    return [
        row["name"],
        _percent(_rate(row, "goal_success")),
        _percent(kinematic),
        lost,
        *(_constraint(row, name) for name in CONSTRAINTS),
        *(_listened(row, name) for name in INPUTS),
        f"{row['parameters'] / 1e6:.2f} M",
        str(row["codes"]),
        f"{row['latency']['all']['p50_ms']:.0f} ms" if row["latency"]["all"]["n"] else "-",
    ]


def _rate(row: Mapping[str, Any], name: str) -> Rate:
    return Rate(round(row[name] * row["episodes"]), row["episodes"])


def _constraint(row: Mapping[str, Any], name: str) -> str:
    found = row["constraints"].get(name)
    return _percent(Rate(round(found["rate"] * found["n"]), found["n"])) if found else "-"


def _listened(row: Mapping[str, Any], name: str) -> str:
    share = row.get("listens", {}).get(name, {}).get("share")
    return "-" if share is None else f"{share:.0%}"


def _percent(rate: Rate) -> str:
    low, high = rate.interval
    return f"{rate.value * 100:.0f} ({low * 100:.0f} to {high * 100:.0f})"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
