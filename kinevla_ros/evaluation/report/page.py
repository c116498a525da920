"""A report as one folder: index.html with every plot in it, the figures as JSON, the videos."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from kinevla_ros.base.files.atomic import write_json, write_text
from kinevla_ros.evaluation.report.failures import VIDEOS
from kinevla_ros.evaluation.report.plots import (
    codes_plot,
    confusion_plot,
    latency_plot,
    rates_plot,
    strength_plot,
)
from kinevla_ros.evaluation.report.statistics import Rate
from kinevla_ros.evaluation.report.summary import by_task, constraint_rates, latency, rates
from kinevla_ros.evaluation.suite.conditions import as_worded, over_strength
from kinevla_ros.evaluation.suite.episode import PLAIN, EpisodeResult
from kinevla_ros.evaluation.suite.intervention import MEANING as INTERVENTIONS

PAGE, FIGURES = "index.html", "figures.json"
STYLE = (
    "body{font:15px/1.45 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;margin:.5rem 0 1.5rem}"
    "td,th{padding:.15rem .7rem;text-align:right;border-bottom:1px solid #ddd}"
    "td:first-child,th:first-child{text-align:left}svg{max-width:100%;height:auto}"
    "figure{display:inline-block;margin:.5rem}video{width:20rem}"
)


def write_page(
    folder: Path, groups: Mapping[str, Sequence[EpisodeResult]], content: Mapping[str, Any]
) -> Path:
    """Write index.html and figures.json beside the videos in `failures/`; returns the page.

    Args:
        groups: results of each condition, the plain ones first.
        content: all figures as plain JSON types.
    """
    plain = groups[PLAIN]
    sections = [
        ("Success", _success(plain)),
        ("Asked for and carried out", _confusion(plain)),
        ("Other conditions", _conditions(groups, content)),
        ("One word changed, and reworded", _language(content.get("language_sensitivity"))),
        ("Words", _words(content.get("reasoning", {}))),
        ("Codes", codes_plot(content["codes"]) if content.get("codes") else ""),
        ("Latency", latency_plot(plain) + _latency(plain)),
        ("Failures", _videos(folder)),
        ("What this was measured on", _origin(content)),
    ]
    body = "".join(f"<h2>{title}</h2>{text}" for title, text in sections if text)
    complete = "" if content["complete"] else "<p><b>The run was cut short.</b></p>"
    write_json(folder / FIGURES, content)
    path = folder / PAGE
    write_text(path, document("kinevla evaluate", complete + body))
    return path


def document(title: str, body: str) -> str:
    """A whole page; `body` is HTML."""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f"<style>{STYLE}</style><h1>{title}</h1>{body}</html>\n"
    )


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """An HTML table of plain texts."""
    head = "".join(f"<th>{escape(h)}</th>" for h in headings)
    body = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def percent(rate: Rate) -> str:
    """A rate with its interval in %."""
    if not rate.n:
        return "-"
    low, high = (f"{100 * bound:.0f}" for bound in rate.interval)
    return f"{100 * rate.value:.0f} ({low} to {high}), n = {rate.n}"


def _success(plain: Sequence[EpisodeResult]) -> str:
    groups = {**by_task(plain), "all": plain}
    success = {
        name: dict(zip(("goal", "kinematic"), rates(o), strict=True)) for name, o in groups.items()
    }
    kept = {name: {"kept": rate} for name, rate in constraint_rates(plain).items()}
    rows = [[name, *map(percent, found.values())] for name, found in success.items()]
    constraints = [[name, percent(found["kept"])] for name, found in kept.items()]
    return (
        "<p>In %, in brackets 95 % Wilson intervals.</p>"
        + rates_plot(success)
        + table(("task", "goal", "kinematic"), rows)
        + rates_plot(kept)
        + table(("constraint", "kept"), constraints)
    )


def _both(results: Sequence[EpisodeResult]) -> dict[str, Rate]:
    return dict(zip(("goal", "kinematic"), rates(results), strict=True))


def _confusion(plain: Sequence[EpisodeResult]) -> str:
    slots = dict.fromkeys(slot for result in plain for slot in result.executed)
    return "".join(
        f"<figure><figcaption>{slot}</figcaption>{confusion_plot(plain, slot)}</figure>"
        for slot in slots
    )


def _conditions(groups: Mapping[str, Sequence[EpisodeResult]], content: Mapping[str, Any]) -> str:
    found = content.get("conditions")
    if not found:
        return ""
    own = {name: groups[name] for name in (PLAIN, *found)}
    bars = {}
    for name, results in own.items():
        bars[name] = _both(results)
        if as_worded(results).n:
            bars[name]["as the words say"] = as_worded(results)
    rows = [
        [
            name,
            *(percent(rate) for rate in rates(own[name])),
            *(_lost(f, k) for k in ("goal", "kinematic")),
        ]
        for name, f in found.items()
    ]
    headings = ("condition", "goal", "kinematic", "goal lost", "kinematic lost")
    meaning = "".join(f"<li>{escape(name)}: {escape(_meaning(own[name]))}</li>" for name in found)
    curves = "".join(
        f"<figure><figcaption>{kind}</figcaption>{strength_plot(kind, curve)}</figure>"
        for kind, curve in over_strength(groups).items()
    )
    return rates_plot(bars) + table(headings, rows) + f"<ul>{meaning}</ul>{curves}"


def _meaning(results: Sequence[EpisodeResult]) -> str:
    episode = results[0].episode
    if episode.intervention:
        return INTERVENTIONS[episode.intervention]
    return episode.variation.meaning if episode.variation else ""


def _lost(found: Mapping[str, Any], name: str) -> str:
    if f"{name}_drop" not in found:
        return "-"
    low, high = found[f"{name}_drop_interval"]
    return f"{100 * found[f'{name}_drop']:.0f} ({100 * low:.0f} to {100 * high:.0f}) points"


def _language(found: Mapping[str, Any] | None) -> str:
    if not found:
        return ""
    rows = [["one word changed, motion follows", found["one_word_followed"]]]
    rows += [[f"- {slot}", rate] for slot, rate in found["by_slot"].items()]
    rows += [["reworded, same outcome", found["reworded_alike"]]]
    rows += [["reworded, same path of the tool", found["reworded_same_path"]]]
    return table(("", "%"), [[name, _json_percent(rate)] for name, rate in rows])


def _words(found: Mapping[str, Any]) -> str:
    rows = []
    for source, own in found.items():
        for name in ("bleu", "token_embedding_f1", "bert_score"):
            if name in own:
                scores = [f"{own[name][level]:.4f}" for level in ("goal", "kinematics", "both")]
                rows.append([f"{source}: {name.replace('_', ' ')}", *scores])
    text = table(("", "goal", "kinematics", "both"), rows)
    for source, own in found.items():
        slots = [[name, _json_percent(rate)] for name, rate in own["slots"].items()]
        text += table((f"{source}: slot", "right, in %"), slots)
    return text if rows else ""


def _json_percent(rate: Mapping[str, Any]) -> str:
    n = rate["n"]
    return percent(Rate(round((rate["rate"] or 0.0) * n), n))


def _latency(plain: Sequence[EpisodeResult]) -> str:
    rows = [
        [name, str(t["n"]), *(f"{t[k]:.1f}" for k in ("p50_ms", "p95_ms", "p99_ms", "max_ms"))]
        for name, t in latency(plain).items()
        if t["n"]
    ]
    return table(("ms", "n", "p50", "p95", "p99", "max"), rows)


def _videos(folder: Path) -> str:
    return "".join(
        f"<figure><video controls preload='none' src='{VIDEOS}/{escape(path.name)}'></video>"
        f"<figcaption>{escape(path.stem)}</figcaption></figure>"
        for path in sorted((folder / VIDEOS).glob("*.mp4"))
    )


def _origin(content: Mapping[str, Any]) -> str:
    keys = ("model", "suite", "trials", "seed", "phrasing")
    rows = [[key, str(content[key])] for key in keys]
    rows += [[key, str(v)] for part in ("machine", "versions") for key, v in content[part].items()]
    return table(("", ""), rows)
