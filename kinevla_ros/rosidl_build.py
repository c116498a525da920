"""Build ROS messages with the rosidl wheels and gcc, where there is no colcon.

    python -m kinevla_ros.rosidl_build PACKAGE MSG_FOLDER DESTINATION [DEPENDENCY ...]

writes DESTINATION/PACKAGE with the Python classes of every MSG_FOLDER/*.msg and one extension
module that holds their type support. DEPENDENCY names the message packages they refer to.
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
from rosidl_adapter.msg import convert_msg_to_idl
from rosidl_generator_c.cli import GenerateC
from rosidl_generator_py.cli import GeneratePython
from rosidl_generator_type_description.cli import HashTypeDescription
from rosidl_pycommon import convert_camel_case_to_lower_case_underscore
from rosidl_typesupport_fastrtps_c.cli import GenerateFastRTPSCTypesupport
from rosidl_typesupport_introspection_c.cli import GenerateIntrospectionCTypesupport

# The root of the ROS installation: <prefix>/lib/pythonX.Y/site-packages/rosidl_generator_c/
PREFIX = Path(rosidl_generator_c.__file__).resolve().parents[4]

TYPE_SUPPORT = "rosidl_typesupport_c"
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
    "rosidl_typesupport_fastrtps_c",
    "rosidl_typesupport_introspection_c",
)

# rosidl's own dispatcher looks its type supports up as shared libraries by name, which needs
# LD_LIBRARY_PATH. This one finds them in the same file. rmw_fastrtps asks for both.
DISPATCHER = """\
#include <string.h>
#include "rosidl_runtime_c/message_type_support_struct.h"
#define SYMBOL(SUPPORT, PKG, NAME) \\
  ROSIDL_TYPESUPPORT_INTERFACE__MESSAGE_SYMBOL_NAME(SUPPORT, PKG, msg, NAME)
#define DISPATCH(PKG, NAME) \\
  static const rosidl_message_type_support_t * find_##NAME( \\
    const rosidl_message_type_support_t * self, const char * wanted) \\
  { \\
    if (!strcmp(wanted, "rosidl_typesupport_c")) {return self;} \\
    if (!strcmp(wanted, "rosidl_typesupport_fastrtps_c")) { \\
      return SYMBOL(rosidl_typesupport_fastrtps_c, PKG, NAME)(); \\
    } \\
    if (!strcmp(wanted, "rosidl_typesupport_introspection_c")) { \\
      return SYMBOL(rosidl_typesupport_introspection_c, PKG, NAME)(); \\
    } \\
    return NULL; \\
  } \\
  extern "C" const rosidl_message_type_support_t * SYMBOL(rosidl_typesupport_c, PKG, NAME)(void) \\
  { \\
    static const rosidl_message_type_support_t handle = { \\
      "rosidl_typesupport_c", NULL, find_##NAME, \\
      PKG##__msg__##NAME##__get_type_hash, \\
      PKG##__msg__##NAME##__get_type_description, \\
      PKG##__msg__##NAME##__get_type_description_sources}; \\
    return &handle; \\
  }
"""


def build(
    package: str, msg_folder: Path, destination: Path, dependencies: Sequence[str] = ()
) -> Path:
    """Write an importable package of messages.

    Args:
        package: Name of the ROS package.
        msg_folder: Folder called `msg` with the `.msg` files.
        destination: Folder that gets `package/`; hand-written modules there are left alone.
        dependencies: Installed message packages that the `.msg` files refer to, and theirs.

    Returns:
        The folder `destination/package`.

    Raises:
        FileNotFoundError: No `.msg` file in `msg_folder`, or no gcc.
        subprocess.CalledProcessError: The compiler failed; its message is on stderr.
    """
    messages = sorted(Path(msg_folder).resolve().glob("*.msg"))
    if not messages:
        raise FileNotFoundError(f"no .msg file in {msg_folder}")
    target = Path(destination) / package
    (target / "msg").mkdir(parents=True, exist_ok=True)
    (target / "__init__.py").touch()
    with tempfile.TemporaryDirectory() as scratch:
        sources = Path(scratch) / package
        _generate(package, messages, dependencies, sources)
        extension = f"{package}_s__{TYPE_SUPPORT}{sysconfig.get_config_var('EXT_SUFFIX')}"
        _compile(sources, dependencies, target / extension)
        for module in (sources / "msg").glob("*.py"):
            shutil.copy(module, target / "msg")
    return target


def _generate(
    package: str, messages: Sequence[Path], dependencies: Sequence[str], out: Path
) -> None:
    """Write the C and Python sources of all messages to `out`."""
    search = [str(PREFIX), os.environ.get("AMENT_PREFIX_PATH", "")]
    os.environ["AMENT_PREFIX_PATH"] = os.pathsep.join(filter(None, search))
    (out / "msg").mkdir(parents=True)
    root = messages[0].parent.parent
    for message in messages:
        convert_msg_to_idl(root, package, message.relative_to(root), out / "msg")
    interfaces = [f"{out}:msg/{message.stem}.idl" for message in messages]
    include = [str(PREFIX / "share" / dependency) for dependency in dependencies]
    hashes = HashTypeDescription("hash").generate_type_hashes(package, interfaces, include, out)
    python = GeneratePython("py", typesupport_implementations=[TYPE_SUPPORT])
    GenerateC("c").generate(package, interfaces, include, out, hashes)
    python.generate(package, interfaces, include, out)
    GenerateFastRTPSCTypesupport("fastrtps_c").generate(package, interfaces, include, out)
    GenerateIntrospectionCTypesupport("introspection_c").generate(package, interfaces, include, out)
    (out / "dispatcher.cpp").write_text(_dispatcher(package, [m.stem for m in messages]))


def _dispatcher(package: str, names: Sequence[str]) -> str:
    lines = [DISPATCHER]
    for name in names:
        header = f"{package}/msg/detail/{convert_camel_case_to_lower_case_underscore(name)}__"
        lines += [f'#include "{header}{part}.h"' for part in ("struct", "functions")]
        lines += [f'#include "{header}type_support.h"']
        lines += [
            f'#include "{header}rosidl_typesupport_{middleware}_c.h"'
            for middleware in ("fastrtps", "introspection")
        ]
        lines += [f"DISPATCH({package}, {name})"]
    return "\n".join(lines) + "\n"


def _compile(sources: Path, dependencies: Sequence[str], extension: Path) -> None:
    """Compile every C and C++ file below `sources` into one extension module."""
    include = [sources.parent, Path(np.get_include()), Path(sysconfig.get_path("include"))]
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
