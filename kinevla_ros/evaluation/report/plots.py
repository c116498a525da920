"""Plots of a report, each as the text of an SVG picture."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from kinevla_ros.evaluation.report.statistics import Rate
from kinevla_ros.evaluation.suite.episode import EpisodeResult

NOTHING = "nothing clear"
UNITS = {
    "camera": "camera moved, of its distance",
    "lights": "light, of the usual",
    "distractors": "unknown objects",
    "latency": "picture to chunk (s)",
}
COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44")


def rates_plot(groups: Mapping[str, Mapping[str, Rate]]) -> str:
    """Bars with Wilson intervals: name of the bar to series to rate."""
    names = list(groups)
    series = list(dict.fromkeys(s for rates in groups.values() for s in rates))
    figure, axes = _figure(max(4.0, 0.9 * len(names) + 1.5), 3.2)
    width = 0.8 / len(series)
    for number, (label, colour) in enumerate(zip(series, COLOURS, strict=False)):
        found = [(i, groups[n][label]) for i, n in enumerate(names) if label in groups[n]]
        x = [i + (number - (len(series) - 1) / 2) * width for i, _ in found]
        y = np.array([rate.value for _, rate in found]) * 100
        bounds = np.array([rate.interval for _, rate in found]).T * 100
        error = np.abs(bounds - y)
        axes.bar(x, y, width, color=colour, label=label, yerr=error, capsize=2)
    axes.set_ylim(0, 100)
    axes.set_ylabel("%")
    axes.set_xticks(
        range(len(names)), [n.replace("_", " ") for n in names], rotation=30, ha="right"
    )
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(series), frameon=False)
    return _svg(figure)


def strength_plot(kind: str, curve: Mapping[float, tuple[Rate, Rate]]) -> str:
    """Goal and kinematic success over the strength of a variation, with Wilson intervals."""
    figure, axes = _figure(4.2, 3.0)
    for number, label in enumerate(("goal", "kinematic")):
        found = [rates[number] for rates in curve.values()]
        y = np.array([rate.value for rate in found]) * 100
        bounds = np.array([rate.interval for rate in found]).T * 100
        error = np.abs(bounds - y)
        axes.errorbar(list(curve), y, error, color=COLOURS[number], label=label, capsize=2)
    axes.set_ylim(0, 101)
    axes.set_ylabel("%")
    axes.set_xlabel(UNITS[kind])
    axes.legend(frameon=False, loc="lower left")
    return _svg(figure)


def confusion_plot(results: Sequence[EpisodeResult], slot: str) -> str:
    """Values of a slot that were asked for against those that were carried out."""
    pairs = [
        (r.episode.command.slots()[slot], r.executed[slot] or NOTHING)
        for r in results
        if slot in r.executed
    ]
    asked = sorted({a for a, _ in pairs})
    done = [*sorted({d for _, d in pairs} - {NOTHING} | set(asked)), NOTHING]
    counts = np.array([[pairs.count((a, d)) for d in done] for a in asked])
    shares = counts / counts.sum(axis=1, keepdims=True)
    figure, axes = _figure(1.4 * len(done) + 2.0, 0.7 * len(asked) + 1.8)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    for (row, column), count in np.ndenumerate(counts):
        share = shares[row, column]
        text = f"{count}\n{share:.0%}"
        axes.text(
            column, row, text, ha="center", va="center", color="white" if share > 0.5 else "black"
        )
    axes.set_xticks(range(len(done)), [d.replace("_", " ") for d in done], rotation=20, ha="right")
    axes.set_yticks(range(len(asked)), [a.replace("_", " ") for a in asked])
    axes.set_xlabel("carried out")
    axes.set_ylabel("asked for")
    return _svg(figure)


def latency_plot(results: Sequence[EpisodeResult]) -> str:
    """Histogram of the time of an inference: words verified, and words written."""
    warm = [t * 1e3 for r in results for t, kept in zip(r.model_times, r.warm, strict=True) if kept]
    cold = [
        t * 1e3 for r in results for t, kept in zip(r.model_times, r.warm, strict=True) if not kept
    ]
    figure, axes = _figure(6.0, 2.8)
    bins = np.geomspace(*_range([*warm, *cold]), 50).tolist()
    axes.hist([warm, cold], bins, label=["words verified", "words written"], color=COLOURS[:2])
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("time of an inference (ms)")
    axes.set_ylabel("inferences")
    axes.legend(frameon=False)
    return _svg(figure)


def codes_plot(usage: Mapping[str, Any]) -> str:
    """Entries of each codebook, most used first."""
    figure, axes = _figure(6.0, 2.8)
    for name, found in usage.items():
        counts = np.sort(found["counts"])[::-1]
        axes.plot(counts, label=f"{name}: perplexity {found['perplexity']:.0f} of {len(counts)}")
    axes.set_yscale("symlog")
    axes.set_xlabel("codebook entries, most used first")
    axes.set_ylabel("times written")
    axes.legend(frameon=False)
    return _svg(figure)


def roc_plot(
    false_alarms: Sequence[float], hits: Sequence[float], chosen: tuple[float, float], auc: float
) -> str:
    """Share of mismatches that are held against share of matches that are held too."""
    figure, axes = _figure(3.8, 3.4)
    axes.plot(false_alarms, hits, color=COLOURS[0], label=f"AUC {auc:.3f}")
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=0.8)
    axes.plot(*chosen, "o", color=COLOURS[1], label="threshold")
    axes.set_xlabel("matched words held")
    axes.set_ylabel("mismatched words held")
    axes.legend(frameon=False, loc="lower right")
    return _svg(figure)


def scores_plot(groups: Mapping[str, Sequence[float]], threshold: float) -> str:
    """Histograms of a score, with the threshold."""
    figure, axes = _figure(6.0, 2.8)
    bins = np.linspace(0, 1, 41).tolist()
    for (name, scores), colour in zip(groups.items(), COLOURS, strict=False):
        axes.hist(scores, bins, alpha=0.6, density=True, label=name, color=colour)
    axes.axvline(threshold, color="black", linewidth=0.8, label=f"threshold {threshold:.2f}")
    axes.set_xlabel("probability of the words, given the codes")
    axes.set_ylabel("density")
    axes.legend(frameon=False)
    return _svg(figure)


def _range(values: Sequence[float]) -> tuple[float, float]:
    return (min(values) * 0.95, max(values) * 1.05) if values else (1.0, 100.0)


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    # Without a fixed salt the same figures give another file each time.
    with rc_context({"svg.hashsalt": "kinevla", "svg.fonttype": "none"}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue().partition("<svg")[1] + text.getvalue().partition("<svg")[2]
