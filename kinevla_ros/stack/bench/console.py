"""The work behind `kinevla bench console`: how long a stop takes from a page to its answer."""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from contextlib import nullcontext, suppress
from functools import partial
from math import nan
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console, Group
from rich.table import Table

from kinevla_ros.base.interrupts import INTERRUPTED
from kinevla_ros.base.resources import resource_path
from kinevla_ros.evaluation.bench.arm.stream import policy_load
from kinevla_ros.evaluation.bench.publish import publish
from kinevla_ros.evaluation.report.statistics import percentiles
from kinevla_ros.stack.bench.console_cost import cost
from kinevla_ros.stack.processes.isolation import free_tcp_port, free_udp_port, own_domain
from kinevla_ros.stack.processes.launcher import (
    CELL_HOST,
    Interrupted,
    Launcher,
    LaunchError,
    client_node,
    parameter_file,
    simulated,
)

HERE = "127.0.0.1"
GAP = 0.05
"""Mean wait between two stops, s."""

SETTLING = 3.0
"""Pages get pictures by then, s."""

PATIENCE = 10.0
HEADINGS = ("policy infers", "machine's load", "from", "stops", "failed", "p50", "p99", "max")


def bench_console(stops: int, pages: int, rounds: int, report: Path | None = None) -> int:
    """Measure, print the tables, write the JSON file; returns the exit code.

    Args:
        stops: to send, without and with a policy that infers without a break.
        pages: that are open beside the one that stops.
        rounds: of the task, without and with these pages; none if 0.
    """
    own_domain()
    port, cell = free_tcp_port(HERE), free_tcp_port(CELL_HOST)
    nodes: dict[str, dict[str, Any]] = {
        "console": {"port": port},
        "cell": {"host": CELL_HOST, "port": cell},
        "policy": {},
        "arm": {**simulated(cell), "udp_port": free_udp_port(CELL_HOST)},
    }
    figures: dict[str, Any] = {"pages": pages, "stops": []}
    origin, code = f"http://{HERE}:{port}", 0
    with client_node("kinevla_bench_console") as (node, interrupted):
        try:
            with Launcher(node, interrupted, parameter_file(None), nodes, "fatal") as launcher:
                launcher.bring_up()
                for load in (False, True):
                    figures["stops"].append(_stops(launcher, origin, stops, pages, load))
                if rounds:
                    look = partial(look_at, origin)
                    figures["cost"] = cost(node, launcher, look, pages, rounds)
        except Interrupted:
            code = INTERRUPTED
        except (LaunchError, OSError, TimeoutError) as error:
            Console(stderr=True).print(f"[red]error:[/] {error}")
            code = 1
    if figures["stops"]:
        publish(figures, _tables, report)
    return code


def _stops(launcher: Launcher, origin: str, stops: int, pages: int, load: bool) -> dict[str, Any]:
    busy = policy_load(resource_path("models", "kinevla-tiny")) if load else nullcontext()
    with busy:
        found = asyncio.run(_measure(origin, stops, pages))
    launcher.spin(0.0)
    return {"policy": load, "load": os.getloadavg()[0], **found}


async def _measure(origin: str, stops: int, pages: int) -> dict[str, Any]:
    """Percentiles from page to answer and, of that, from the console to the arm and back."""
    whole: list[float] = []
    within: list[float] = []
    failed = 0
    waits = random.Random(0)
    async with aiohttp.ClientSession() as session:
        others = [asyncio.create_task(look_at(origin)) for _ in range(pages)]
        async with _open(session, origin) as page:
            await asyncio.sleep(SETTLING)
            for number in range(stops):
                begun = time.monotonic()
                answer = await _ask(page, "stop", 2 * number)
                whole.append(time.monotonic() - begun)
                within.append(answer["ms"] / 1000)
                failed += not answer["ok"]
                await _ask(page, "reset", 2 * number + 1)  # so that the next one stops something
                await asyncio.sleep(waits.uniform(0, 2 * GAP))
            await _ask(page, "enable", 2 * stops, on=True)
        for other in others:
            other.cancel()
        pictures = sum(await asyncio.gather(*others))
    found = {"page": percentiles(whole), "console": percentiles(within)}
    return {"failed": failed, "pictures": pictures, **found}


def _open(session: aiohttp.ClientSession, origin: str) -> Any:
    return session.ws_connect(f"{origin}/ws", headers={"Origin": origin}, max_msg_size=0)


async def look_at(origin: str) -> int:
    """Take what comes until cancelled, as a page does; returns how many pictures."""
    pictures = 0
    with suppress(asyncio.CancelledError):
        async with aiohttp.ClientSession() as session, _open(session, origin) as socket:
            async for message in socket:
                pictures += message.type is aiohttp.WSMsgType.BINARY
    return pictures


async def _ask(
    socket: aiohttp.ClientWebSocketResponse, what: str, number: int, **fields: bool
) -> dict[str, Any]:
    await socket.send_str(json.dumps({"id": number, "do": what, **fields}))
    async with asyncio.timeout(PATIENCE):
        while True:
            message = await socket.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                if message.type is not aiohttp.WSMsgType.BINARY:
                    raise OSError("the console has ended the connection")
                continue
            answer: dict[str, Any] = json.loads(message.data).get("answer", {})
            if answer.get("id") == number:
                return answer


def _tables(figures: dict[str, Any]) -> Group:
    shown = [_table(figures)]
    if "cost" in figures:
        shown.append(_cost_table(figures))
    return Group(*shown)


def _table(figures: dict[str, Any]) -> Table:
    host = figures["machine"]
    caption = f"{host['processor']}, {host['cores']} cores, {figures['pages']} more pages open"
    grid = Table(title="A stop from the page to its answer in ms", caption=caption)
    for heading in HEADINGS:
        grid.add_column(heading, justify="right")
    for row in figures["stops"]:
        for name in ("page", "console"):
            found = row[name]
            words = ["yes" if row["policy"] else "no", f"{row['load']:.1f}", name]
            words += [str(found["n"]), str(row["failed"])]
            grid.add_row(*words, *(f"{found[key]:.1f}" for key in ("p50_ms", "p99_ms", "max_ms")))
    return grid


def _cost_table(figures: dict[str, Any]) -> Table:
    grid = Table(title="The arm in motion, without and with open pages, in ms")
    for heading in ("pages", "", "n", "p50", "p95", "p99"):
        grid.add_column(heading, justify="right")
    for row in figures["cost"]:
        for name in ("stream", "model time", "picture to chunk"):
            found = row.get(name, {"n": 0})
            cells = (f"{found.get(key, nan):.1f}" for key in ("p50_ms", "p95_ms", "p99_ms"))
            what = "error of the stream's period" if name == "stream" else name
            grid.add_row(str(row["pages"]), what, str(found["n"]), *cells)
    return grid
