"""What colcon installs by CMakeLists.txt is what pip installs by setup.py.

CMake itself runs; small stand-ins take the place of ament's and rosidl's own CMake packages.
"""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import setuptools

ROOT = Path(__file__).parents[2]
KINDS = ("msg", "srv", "action")
STAND_INS = {
    "ament_cmake": """
function(ament_package)
  install(FILES package.xml DESTINATION share/${PROJECT_NAME})
  install(FILES resource/${PROJECT_NAME} DESTINATION share/ament_index/resource_index/packages)
endfunction()
function(ament_export_dependencies)
endfunction()
""",
    "ament_cmake_python": "set(PYTHON_INSTALL_DIR lib/python)",
    "rosidl_default_generators": """
function(rosidl_generate_interfaces target)
  cmake_parse_arguments(GIVEN "" "" "DEPENDENCIES" ${ARGN})
  foreach(file ${GIVEN_UNPARSED_ARGUMENTS})
    get_filename_component(kind ${file} DIRECTORY)
    install(FILES ${file} DESTINATION share/${target}/${kind})
  endforeach()
endfunction()
""",
    "action_msgs": "",
    "std_msgs": "",
}


@pytest.fixture(scope="module")
def by_cmake(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Paths of the files that CMake installs."""
    if shutil.which("cmake") is None:
        pytest.skip("CMake is not installed")
    folder = tmp_path_factory.mktemp("cmake")
    for name, text in STAND_INS.items():
        config = folder / "ament/lib/cmake" / name / f"{name}Config.cmake"
        config.parent.mkdir(parents=True)
        config.write_text(text)
    known = [f"-DCMAKE_{language}_COMPILER_WORKS=1" for language in ("C", "CXX")]
    prefix = f"-DCMAKE_PREFIX_PATH={folder / 'ament'}"
    run("cmake", "-S", str(ROOT), "-B", str(folder / "build"), prefix, *known)
    run("cmake", "--install", str(folder / "build"), "--prefix", str(folder / "install"))
    found = (path for path in (folder / "install").rglob("*") if path.is_file())
    return {path.relative_to(folder / "install").as_posix() for path in found}


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


def test_pip_and_colcon_install_the_same_files_beside_the_modules(
    by_cmake: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, Any] = {}
    monkeypatch.setattr(setuptools, "setup", given.update)
    runpy.run_path(str(ROOT / "setup.py"))
    by_pip = {
        f"{folder}/{Path(file).name}" for folder, files in given["data_files"] for file in files
    }
    assert {path for path in by_cmake if not path.startswith("lib/python/")} == by_pip


def test_pip_and_colcon_install_the_same_modules(by_cmake: set[str]) -> None:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    packages = setuptools.find_packages(str(ROOT), **tool["packages"]["find"])
    folders = [ROOT / package.replace(".", "/") for package in packages]
    files = [path for folder in folders for path in folder.glob("*.py")]
    for package, patterns in tool["package-data"].items():
        files += [path for pattern in patterns for path in (ROOT / package).glob(pattern)]
    by_pip = {f"lib/python/{path.relative_to(ROOT).as_posix()}" for path in files}
    assert {path for path in by_cmake if path.startswith("lib/python/")} == by_pip


def test_every_message_service_and_action_is_built_by_colcon(by_cmake: set[str]) -> None:
    ours = {f"share/kinevla_ros/{p.relative_to(ROOT)}" for k in KINDS for p in ROOT.glob(f"{k}/*")}
    assert {path for path in by_cmake if path.split("/")[2] in KINDS} == ours


ROS_PACKAGE = re.compile(
    r"^\s*(?:from|import) (\w+_(?:msgs|srvs)|(?:builtin|rcl)_interfaces|rclpy|launch|launch_ros"
    r"|ament_index_python|cv_bridge)\b",
    re.MULTILINE,
)


def test_every_package_that_cmake_looks_for_or_a_module_imports_is_a_dependency() -> None:
    package = ElementTree.parse(ROOT / "package.xml")
    named = {element.text for element in package.iter() if element.tag.endswith("depend")}
    files = [*ROOT.glob("kinevla_ros/*/**/*.py"), *ROOT.glob("launch/*.py")]
    ours = [path for path in files if path.relative_to(ROOT).parts[1] not in KINDS]
    imported = {name for path in ours for name in ROS_PACKAGE.findall(path.read_text())}
    assert len(imported) > 15
    assert (set(STAND_INS) | imported) - named == set()
