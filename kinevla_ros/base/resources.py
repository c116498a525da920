"""Where config/, launch/ and models/ are: beside the source tree or in the installation."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def resource_path(*parts: str) -> Path:
    """Path of a file or folder that is shipped with the package.

    An editable installation uses the source tree. pip and colcon install to
    `<prefix>/share/kinevla_ros`, with the Python package somewhere below `<prefix>/lib`.

    Args:
        parts: Path below the share folder, as in `resource_path("config", "realman.yaml")`.

    Raises:
        FileNotFoundError: The installation has no share folder, or nothing of that name in it.
    """
    folders = [_PACKAGE.parent, *(parent / "share" / "kinevla_ros" for parent in _PACKAGE.parents)]
    share = next((folder for folder in folders if (folder / "package.xml").is_file()), None)
    if share is None:
        raise FileNotFoundError(f"no share/kinevla_ros above {_PACKAGE}; install the package again")
    path = share.joinpath(*parts)
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; restore it or install the package again")
    return path
