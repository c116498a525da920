"""Build ROS interfaces with the rosidl wheels and gcc, where there is no colcon.

    python -m kinevla_ros.rosidl_build PACKAGE FOLDER DESTINATION [DEPENDENCY ...]

writes DESTINATION/PACKAGE with the Python classes of every FOLDER/msg/*.msg, FOLDER/srv/*.srv and
FOLDER/action/*.action and one extension module that holds their type support. DEPENDENCY names the
message packages they refer to; a service refers to service_msgs and builtin_interfaces, an action
to action_msgs and unique_identifier_msgs as well.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import rosidl_generator_c
from rosidl_adapter.action import convert_action_to_idl
from rosidl_adapter.msg import convert_msg_to_idl
from rosidl_adapter.srv import convert_srv_to_idl
from rosidl_generator_c.cli import GenerateC
from rosidl_generator_py.cli import GeneratePython
from rosidl_generator_type_description.cli import HashTypeDescription
from rosidl_pycommon import convert_camel_case_to_lower_case_underscore
from rosidl_typesupport_fastrtps_c.cli import GenerateFastRTPSCTypesupport
from rosidl_typesupport_introspection_c.cli import GenerateIntrospectionCTypesupport

# The root of the ROS installation: <prefix>/lib/pythonX.Y/site-packages/rosidl_generator_c/
PREFIX = Path(rosidl_generator_c.__file__).resolve().parents[4]

TYPE_SUPPORT = "rosidl_typesupport_c"
INTROSPECTION = "introspection"
CONVERT = {
    "msg": convert_msg_to_idl,
    "srv": convert_srv_to_idl,
    "action": convert_action_to_idl,
}
SERVICE_MESSAGES = ("Request", "Response", "Event")
ACTION_MESSAGES = ("Goal", "Result", "Feedback", "FeedbackMessage")
ACTION_SERVICES = ("SendGoal", "GetResult")
LIBRARIES = (
    "rosidl_runtime_c",
    "rosidl_typesupport_fastrtps_c",
    "rosidl_typesupport_fastrtps_cpp",
    "rosidl_typesupport_introspection_c",
    "fastcdr",
    "rcutils",
    "rmw",
)
LIBRARIES_PER_DEPENDENCY = (
    "rosidl_generator_c",
    "rosidl_generator_py",
    "rosidl_typesupport_c",
    "rosidl_typesupport_fastrtps_c",
    "rosidl_typesupport_introspection_c",
)

# rosidl's own dispatcher looks its type supports up as shared libraries by name, which needs
# LD_LIBRARY_PATH. This one finds them in the same file. rmw_fastrtps asks for both.
DISPATCHER = """\
#include <string.h>
#include "rosidl_runtime_c/action_type_support_struct.h"
#include "rosidl_runtime_c/message_type_support_struct.h"
#include "rosidl_runtime_c/service_type_support_struct.h"
#define DISPATCH(KIND, SYMBOL, NAME) \\
  static const rosidl_##KIND##_type_support_t * find_##NAME( \\
    const rosidl_##KIND##_type_support_t * self, const char * wanted) \\
  { \\
    if (!strcmp(wanted, "rosidl_typesupport_c")) {return self;} \\
    if (!strcmp(wanted, "rosidl_typesupport_fastrtps_c")) { \\
      return SYMBOL(rosidl_typesupport_fastrtps_c)(); \\
    } \\
    if (!strcmp(wanted, "rosidl_typesupport_introspection_c")) { \\
      return SYMBOL(rosidl_typesupport_introspection_c)(); \\
    } \\
    return NULL; \\
  }
#define MESSAGE(PKG, FOLDER, NAME) \\
  extern "C" const rosidl_message_type_support_t * SYMBOL_##NAME(rosidl_typesupport_c)(void) \\
  { \\
    static const rosidl_message_type_support_t handle = { \\
      "rosidl_typesupport_c", NULL, find_##NAME, \\
      PKG##__##FOLDER##__##NAME##__get_type_hash, \\
      PKG##__##FOLDER##__##NAME##__get_type_description, \\
      PKG##__##FOLDER##__##NAME##__get_type_description_sources}; \\
    return &handle; \\
  }
#define SERVICE(PKG, FOLDER, NAME) \\
  extern "C" const rosidl_service_type_support_t * SYMBOL_##NAME(rosidl_typesupport_c)(void) \\
  { \\
    static const rosidl_service_type_support_t handle = { \\
      "rosidl_typesupport_c", NULL, find_##NAME, \\
      SYMBOL_##NAME##_Request(rosidl_typesupport_c)(), \\
      SYMBOL_##NAME##_Response(rosidl_typesupport_c)(), \\
      SYMBOL_##NAME##_Event(rosidl_typesupport_c)(), \\
      ROSIDL_TYPESUPPORT_INTERFACE__SERVICE_CREATE_EVENT_MESSAGE_SYMBOL_NAME( \\
        rosidl_typesupport_c, PKG, FOLDER, NAME), \\
      ROSIDL_TYPESUPPORT_INTERFACE__SERVICE_DESTROY_EVENT_MESSAGE_SYMBOL_NAME( \\
        rosidl_typesupport_c, PKG, FOLDER, NAME), \\
      PKG##__##FOLDER##__##NAME##__get_type_hash, \\
      PKG##__##FOLDER##__##NAME##__get_type_description, \\
      PKG##__##FOLDER##__##NAME##__get_type_description_sources}; \\
    return &handle; \\
  }
#define ACTION(PKG, NAME) \\
  extern "C" const rosidl_action_type_support_t * \\
  ROSIDL_TYPESUPPORT_INTERFACE__ACTION_SYMBOL_NAME(rosidl_typesupport_c, PKG, action, NAME)(void) \\
  { \\
    static const rosidl_action_type_support_t handle = { \\
      SYMBOL_##NAME##_SendGoal(rosidl_typesupport_c)(), \\
      SYMBOL_##NAME##_GetResult(rosidl_typesupport_c)(), \\
      ROSIDL_TYPESUPPORT_INTERFACE__SERVICE_SYMBOL_NAME( \\
        rosidl_typesupport_c, action_msgs, srv, CancelGoal)(), \\
      SYMBOL_##NAME##_FeedbackMessage(rosidl_typesupport_c)(), \\
      ROSIDL_TYPESUPPORT_INTERFACE__MESSAGE_SYMBOL_NAME( \\
        rosidl_typesupport_c, action_msgs, msg, GoalStatusArray)(), \\
      PKG##__action__##NAME##__get_type_hash, \\
      PKG##__action__##NAME##__get_type_description, \\
      PKG##__action__##NAME##__get_type_description_sources}; \\
    return &handle; \\
  }
"""


def build(package: str, folder: Path, destination: Path, dependencies: Sequence[str] = ()) -> Path:
    """Write an importable package of messages, services and actions.

    Args:
        package: Name of the ROS package.
        folder: Folder with `msg/*.msg`, `srv/*.srv` and `action/*.action`.
        destination: Folder that gets `package/`; hand-written modules there are left alone.
        dependencies: Installed message packages that the files refer to, and theirs.

    Returns:
        The folder `destination/package`.

    Raises:
        FileNotFoundError: Nothing to build in `folder`, or no gcc.
        subprocess.CalledProcessError: The compiler failed; its message is on stderr.
    """
    root = Path(folder).resolve()
    interfaces = sorted(path for kind in CONVERT for path in root.glob(f"{kind}/*.{kind}"))
    if not interfaces:
        raise FileNotFoundError(f"no msg/*.msg, srv/*.srv or action/*.action file in {folder}")
    target = Path(destination) / package
    target.mkdir(parents=True, exist_ok=True)
    (target / "__init__.py").touch()
    with tempfile.TemporaryDirectory() as scratch:
        sources = Path(scratch) / package
        _generate(package, root, interfaces, dependencies, sources)
        extension = f"{package}_s__{TYPE_SUPPORT}{sysconfig.get_config_var('EXT_SUFFIX')}"
        _compile(sources, dependencies, target / extension)
        for kind in {path.suffix[1:] for path in interfaces}:
            (target / kind).mkdir(exist_ok=True)
            for module in (sources / kind).glob("*.py"):
                shutil.copy(module, target / kind)
    return target


def _generate(
    package: str, root: Path, files: Sequence[Path], dependencies: Sequence[str], out: Path
) -> None:
    """Write the C and Python sources of all messages, services and actions to `out`."""
    search = [str(PREFIX), os.environ.get("AMENT_PREFIX_PATH", "")]
    os.environ["AMENT_PREFIX_PATH"] = os.pathsep.join(filter(None, search))
    interfaces = []
    for file in files:
        kind = file.suffix[1:]
        (out / kind).mkdir(parents=True, exist_ok=True)
        CONVERT[kind](root, package, file.relative_to(root), out / kind)
        interfaces.append(f"{out}:{kind}/{file.stem}.idl")
    include = [str(PREFIX / "share" / dependency) for dependency in dependencies]
    hashes = HashTypeDescription("hash").generate_type_hashes(package, interfaces, include, out)
    python = GeneratePython("py", typesupport_implementations=[TYPE_SUPPORT])
    GenerateC("c").generate(package, interfaces, include, out, hashes)
    python.generate(package, interfaces, include, out)
    GenerateFastRTPSCTypesupport("fastrtps_c").generate(package, interfaces, include, out)
    # Both this one and GenerateC write a file <name>__type_support.c for a service.
    apart = out / INTROSPECTION / package
    apart.mkdir(parents=True)
    GenerateIntrospectionCTypesupport("introspection_c").generate(
        package, interfaces, include, apart
    )
    (out / "dispatcher.cpp").write_text(_dispatcher(package, files))


def _dispatcher(package: str, files: Sequence[Path]) -> str:
    lines = [DISPATCHER]
    for file in files:
        kind, name = file.suffix[1:], file.stem
        header = f"{package}/{kind}/detail/{convert_camel_case_to_lower_case_underscore(name)}__"
        lines += [f'#include "{header}{part}.h"' for part in ("struct", "functions")]
        lines += [f'#include "{header}type_support.h"']
        lines += [
            f'#include "{header}rosidl_typesupport_{middleware}_c.h"'
            for middleware in ("fastrtps", "introspection")
        ]
        services = {"srv": [name], "action": [f"{name}_{part}" for part in ACTION_SERVICES]}
        messages = {"msg": [name], "action": [f"{name}_{part}" for part in ACTION_MESSAGES]}
        parts = messages.get(kind, [])
        parts += [f"{each}_{part}" for each in services.get(kind, []) for part in SERVICE_MESSAGES]
        for part in parts:
            lines += _dispatch("message", package, kind, part)
            lines += [f"MESSAGE({package}, {kind}, {part})"]
        for service in services.get(kind, []):
            lines += _dispatch("service", package, kind, service)
            lines += [f"SERVICE({package}, {kind}, {service})"]
        if kind == "action":
            lines += [
                '#include "action_msgs/msg/goal_status_array.h"',
                '#include "action_msgs/srv/cancel_goal.h"',
                f"ACTION({package}, {name})",
            ]
    return "\n".join(lines) + "\n"


def _dispatch(what: str, package: str, kind: str, name: str) -> list[str]:
    symbol = f"ROSIDL_TYPESUPPORT_INTERFACE__{what.upper()}_SYMBOL_NAME"
    return [
        f"#define SYMBOL_{name}(SUPPORT) {symbol}(SUPPORT, {package}, {kind}, {name})",
        f'extern "C" const rosidl_{what}_type_support_t * '
        f"SYMBOL_{name}(rosidl_typesupport_introspection_c)(void);",
        f"DISPATCH({what}, SYMBOL_{name}, {name})",
    ]


def _compile(sources: Path, dependencies: Sequence[str], extension: Path) -> None:
    """Compile every C and C++ file below `sources` into one extension module."""
    include = [sources.parent, sources / INTROSPECTION]
    include += [Path(np.get_include()), Path(sysconfig.get_path("include"))]
    include += [PREFIX / "include", *sorted(p for p in (PREFIX / "include").iterdir())]
    flags = ["-O1", "-fPIC", "-w", "-DNDEBUG", *(f"-I{folder}" for folder in include)]

    def compile_one(source: Path) -> str:
        compiler = "g++" if source.suffix == ".cpp" else "gcc"
        target = f"{source}.o"
        subprocess.run([compiler, *flags, "-c", str(source), "-o", target], check=True)
        return target

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        files = (path for path in sources.rglob("*") if path.suffix in {".c", ".cpp"})
        objects = list(pool.map(compile_one, sorted(files)))
    libraries = [f"{d}__{part}" for d in dependencies for part in LIBRARIES_PER_DEPENDENCY]
    links = [f"-L{PREFIX / 'lib'}", *(f"-l{name}" for name in (*libraries, *LIBRARIES))]
    subprocess.run(["g++", "-shared", "-o", str(extension), *objects, *links], check=True)


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    print(build(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:]))
