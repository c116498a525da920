"""What README and docs say one can type exists, and what they link to is there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from shipped_tasks import TASKS, parse_instruction

from kinevla_ros.cli import app

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").rglob("*.md")), ROOT / "models/kinevla-tiny/README.md"]
page = pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))


def options() -> dict[str, set[str]]:
    """Options of each verb, such as `train codec`."""

    def walk(command: object, words: tuple[str, ...]) -> dict[str, set[str]]:
        if hasattr(command, "commands"):
            found: dict[str, set[str]] = {" ".join(words): {"--help"}}
            for name, verb in command.commands.items():
                found |= walk(verb, (*words, name))
            return found
        named = (*((*p.opts, *p.secondary_opts) for p in command.params),)
        return {" ".join(words): {"--help", *(name for names in named for name in names)}}

    return walk(typer.main.get_command(app), ())


OPTIONS = options()


def code(path: Path) -> list[str]:
    """Lines of fenced blocks and inline code, continued lines joined."""
    text = re.sub(r"<!--.*?-->", "", path.read_text(), flags=re.DOTALL).replace("\\\n", " ")
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    rest = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    spans = [re.sub(r"\s+", " ", span) for span in re.findall(r"`([^`]+)`", rest)]
    return [line for block in blocks for line in block.splitlines()] + spans


@page
def test_every_command_and_option_that_is_named_exists(page: Path) -> None:
    for line in code(page):
        for said in re.findall(
            r"(?<!inet )\bkinevla ([a-z].*?)(?=#|&&|\bkinevla |$)", line.split(" # ")[0]
        ):
            words = re.findall(r"[^\s]+", said)
            two = words[0] in ("train", "bench", "skill", "teleop") or words[:2] == ["tasks", "new"]
            verb = (" ".join(words[:2]) if two else words[0]).strip(",.;")
            assert verb in OPTIONS, f"kinevla {verb}: no such verb ({line})"
            for option in re.findall(r"(?<!\S)--[a-z][a-z0-9-]*", said):
                assert option in OPTIONS[verb], f"kinevla {verb} has no {option} ({line})"
        if re.match(r"--[a-z]", line):
            name = line.split()[0]
            assert any(name in known for known in OPTIONS.values()), f"no verb has {name}"


@page
def test_every_launch_argument_that_is_named_exists(page: Path) -> None:
    launch = (ROOT / "launch/realman.launch.py").read_text()
    known = set(re.findall(r'DeclareLaunchArgument\(\s*"(\w+)"', launch))
    for line in code(page):
        for name in re.findall(r"(?<!-r )\b(\w+):=", line):
            assert name in known, f"realman.launch.py has no argument {name} ({line})"


@page
def test_every_file_that_is_linked_to_is_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
        path = (page.parent / target).resolve()
        assert path.exists(), f"{target} is not there"


def test_the_repositorys_page_of_parameters_names_every_node_that_has_any() -> None:
    nodes = ROOT / "kinevla_ros/nodes"
    declared = re.compile(r"^PARAMETERS\b", re.MULTILINE)
    files = [path for path in nodes.glob("*/*.py") if declared.search(path.read_text())]
    page = (ROOT / "docs/reference/parameters.md").read_text()
    assert len(files) >= 6
    assert [path for path in files if str(path.relative_to(ROOT)) not in page] == []


def test_the_readme_is_short() -> None:
    assert len(README.read_text().splitlines()) <= 150


def test_the_readmes_examples_name_the_seven_tasks() -> None:
    section = README.read_text().partition("## What you can say")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (?:bread|carrot)[^|]*\| ([^|]+) \|$", section, re.MULTILINE)
    assert [parse_instruction(row) for row in rows] == list(TASKS)


@pytest.mark.parametrize("file", ["Dockerfile", ".github/workflows/test.yml"])
def test_container_and_workflow_are_built_by_the_readmes_steps(file: str) -> None:
    section = README.read_text().partition("## With ROS 2")[2]
    shell = section.partition("```sh\n")[2].partition("```")[0]
    steps = [line.split("  #")[0].strip() for line in shell.splitlines()]
    steps = [part for line in steps for part in line.split(" && ")]
    wanted = [step for step in steps if re.match(r"rosdep|python3|pip|colcon|\. venv", step)]
    assert len(wanted) == 5
    lines = re.split(r"\n| && ", (ROOT / file).read_text())
    built = [re.sub(r"^(- run:|RUN|&&) ", "", line.strip(" \\")) for line in lines]
    assert [step for step in wanted if step in built] == wanted


def test_the_site_builds_without_warnings(tmp_path: Path) -> None:
    """Where mkdocs is installed: `make docs`."""
    pytest.importorskip("mkdocs")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(tmp_path)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    built = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    assert (tmp_path / "reference" / "cli" / "index.html").stat().st_size > 10_000
