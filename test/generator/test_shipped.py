"""The checkpoint that ships: whole, small enough, and fit to be trained on."""

import pytest

from kinevla_ros.base.resources import resource_path
from kinevla_ros.codec.checkpoint import load_codec
from kinevla_ros.generator.checkpoint import load_contract

try:
    SHIPPED = resource_path("models", "kinevla-tiny")
except FileNotFoundError:
    pytest.skip("the checkpoint is not there", allow_module_level=True)


def test_its_codec_is_the_one_that_its_codes_are_of() -> None:
    load_codec(SHIPPED).contract.require(load_contract(SHIPPED))
