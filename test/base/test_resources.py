from __future__ import annotations

from pathlib import Path

import pytest

from kinevla_ros.base import resources
from kinevla_ros.base.resources import resource_path


def install(prefix: Path) -> Path:
    """An installation below `prefix` with one config file; returns its Python package."""
    config = prefix / "share" / "kinevla_ros" / "config"
    config.mkdir(parents=True)
    (config / "realman.yaml").touch()
    (config.parent / "package.xml").touch()
    return prefix / "lib" / "python3.12" / "site-packages" / "kinevla_ros"


def test_the_source_tree_has_the_parameter_file() -> None:
    assert resource_path("config", "realman.yaml").is_file()


def test_an_installed_package_finds_its_own_prefix(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "_PACKAGE", install(tmp_path))
    found = resource_path("config", "realman.yaml")
    assert found == tmp_path / "share" / "kinevla_ros" / "config" / "realman.yaml"


def test_a_file_that_was_not_shipped_is_named_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"models/kinevla-none does not exist"):
        resource_path("models", "kinevla-none")


def test_a_package_without_share_folder_asks_for_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "kinevla_ros")
    with pytest.raises(FileNotFoundError, match="install the package again"):
        resource_path("config")
