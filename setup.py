"""Build and install where there is no ROS: `pip install .`; colcon reads CMakeLists.txt instead."""

from __future__ import annotations

import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

HERE = Path(__file__).resolve().parent
PACKAGE = "kinevla_ros"
SHARE = f"share/{PACKAGE}"
DOCS = ["docs", *(f"docs/{kind}" for kind in ("tutorials", "how-to", "reference", "explanation"))]
MESSAGE_DEPENDENCIES = [
    "action_msgs",
    "builtin_interfaces",
    "service_msgs",
    "std_msgs",
    "unique_identifier_msgs",
]


class BuildMessages(build_ext):
    """Generates and compiles msg/, srv/ and action/; setuptools itself has nothing to compile."""

    def run(self) -> None:
        sys.path.insert(0, str(HERE / PACKAGE))
        try:
            from rosidl_build import build
        except ModuleNotFoundError as error:
            sys.exit(
                f"{error}: the message generators are missing; let pip fetch them (leave out "
                "--no-build-isolation) or install what pyproject.toml lists under build-system"
            )
        destination = HERE if self.inplace or self.editable_mode else Path(self.build_lib)
        build(PACKAGE, HERE, destination, MESSAGE_DEPENDENCIES)

    def get_source_files(self) -> list[str]:
        return []

    def get_outputs(self) -> list[str]:
        return []

    def get_output_mapping(self) -> dict[str, str]:
        return {}


def files(folder: str, *patterns: str) -> list[str]:
    found = (path for pattern in patterns for path in (HERE / folder).glob(pattern))
    return sorted(str(path.relative_to(HERE)) for path in found if path.is_file())


setup(
    # Never compiled; it makes the wheel one for this platform.
    ext_modules=[Extension(f"{PACKAGE}.messages", sources=[])],
    cmdclass={"build_ext": BuildMessages},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{PACKAGE}"]),
        (f"lib/{PACKAGE}", files("scripts", "*_node", "kinevla")),
        (SHARE, ["package.xml"]),
        (f"{SHARE}/launch", files("launch", "*.launch.py")),
        (f"{SHARE}/config", files("config", "*")),
        (f"{SHARE}/urdf", files("urdf", "*.urdf")),
        (f"{SHARE}/meshes", files("meshes", "*.stl")),
        *((f"{SHARE}/{folder}", files(folder, "*.md")) for folder in DOCS),
        (f"{SHARE}/msg", files("msg", "*.msg")),
        (f"{SHARE}/srv", files("srv", "*.srv")),
        (f"{SHARE}/action", files("action", "*.action")),
        *((f"{SHARE}/{m}", files(m, "*")) for m in ("models/kinevla-tiny", "models/keypoints")),
    ],
)
