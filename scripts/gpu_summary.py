"""A table of what `scripts/gpu.sh` measured; rows that nobody has measured say so."""

import json
import sys
from datetime import date
from pathlib import Path
from typing import Any

TIMES = {
    "warm": "warm chunk",
    "cold_drafted": "cold chunk, words drafted",
    "cold": "cold chunk, written word by word",
}


def figures(path: Path) -> dict[str, Any]:
    """A bench's JSON, as far as it got; empty without one."""
    try:
        found: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found


def rows_of(name: str, found: dict[str, Any]) -> list[tuple[str, str]]:
    """What was measured in a step, and the figures."""
    rows = []
    for key, title in TIMES.items():
        if each := found.get(key):
            times = f"p50 {each['p50_ms']:.1f} ms, p99 {each['p99_ms']:.1f} ms"
            floor = f"; floor {found['floor_ms']['total']:.1f}" if "floor_ms" in found else ""
            rows.append((f"{name}: {title}", times + (floor if key == "warm" else "")))
    for stage, each in found.get("stages", {}).items():
        if each["n"]:
            floor = found.get("floor_ms", {}).get(stage)
            rows.append((f"{name}: {stage}", f"p50 {each['p50_ms']:.1f} ms; floor {floor or '-'}"))
    for way, each in found.get("generate", {}).items():
        said = f"not measured: {each.get('not_measured')}"
        said = f"p50 {each['p50_ms']:.0f} ms" if each["n"] else said
        rows.append((f"{name}: {way}", said))
    if faster := found.get("faster"):
        rows.append((f"{name}: warm against {faster['than']}", f"{faster['times']} times faster"))
    if "step" in found:
        step = f"p50 {found['step']['p50_ms']:.0f} ms, {found['memory_gb']} GB"
        rows.append((f"{name}: step at batch {found['batch_size']}", step))
    for way, each in found.get("differing", {}).items():
        rate = each["chunks"]["rate"]
        if rate is not None:
            rows.append((f"{name}: {way}", f"{100 * rate:.1f} % of chunks differ"))
    rows += [(f"{name}: {what}", said) for what, said in found.get("products", {}).items()]
    if "seconds" in found:
        parts = ", ".join(f"{part} {second}" for part, second in found["seconds"].items())
        rows.append((f"{name}: seconds of the bench", parts))
    if "path" in found:
        rows.append((f"{name}: blocks by", found["path"]))
    return rows


def main(folder: Path) -> None:
    """Print the table as Markdown."""
    steps = [line.split("\t") for line in (folder / "steps.tsv").read_text().splitlines()]
    seen = any(name == "device" and ended == "done" for name, ended, _ in steps)
    card = (folder / "device.log").read_text().strip() if seen else ""
    versions: dict[str, str] = {}
    lines = ["| what | result |", "| --- | --- |"]
    for name, ended, seconds in steps:
        found = figures(folder / f"{name}.json")
        versions |= found.get("versions", {})
        lines.append(f"| **{name}** | {ended}, {seconds} s |")
        lines += [f"| {what} | {result} |" for what, result in rows_of(name, found)]
        if name == "tests" and (said := folder / "tests.log").is_file():
            last = said.read_text().strip().rpartition("\n")[2].strip("= ")
            lines += [f"| tests | {last} |"] if "passed" in last or "failed" in last else []
    print(f"{card or 'no GPU'}; {date.today().isoformat()}; ", end="")
    print(", ".join(f"{k} {v}" for k, v in versions.items() if k in ("python", "torch", "triton")))
    print("\n" + "\n".join(lines))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
