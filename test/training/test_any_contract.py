"""Any action space comes out of a decoder as it went into a dataset."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from arms import action_spaces, write_arm_dataset
from hypothesis import Phase, given, settings

from kinevla_ros.base.action_space import ActionSpace
from kinevla_ros.codec.bilevel import CodecConfig
from kinevla_ros.codec.checkpoint import load_codec
from kinevla_ros.codec.onnx_decoder import OnnxDecoder

pytest.importorskip("onnxscript")

from kinevla_ros.training.codec.stages import CodecSettings
from kinevla_ros.training.generator.samples import load_samples
from kinevla_ros.training.pipeline import codec_from_samples

QUICK = CodecSettings(goal_steps=10, kinematics_steps=10, warmup_steps=5, batch_size=32)
SMALL = CodecConfig(codes_per_level=4, latent_dim=8, hidden_dim=16)


# An export takes seconds, so a few examples and no shrinking.
@settings(max_examples=3, deadline=None, phases=[Phase.generate], derandomize=True)
@given(space=action_spaces())
def test_dataset_codec_and_decoder_keep_names_units_and_shape(space: ActionSpace) -> None:
    with TemporaryDirectory() as folder:
        dataset = write_arm_dataset(Path(folder) / "dataset", space, episodes=2, frames=12)
        samples, codec = load_samples([dataset], None), Path(folder) / "codec"
        assert samples.space == space
        codec_from_samples(samples, codec, QUICK, False, SMALL)
        trained = load_codec(codec)
        decoder = OnnxDecoder(codec / "decoder.onnx", trained.contract)
        assert decoder.contract.space == trained.space == space
        codes = trained.encode(samples.chunks[samples.valid])
        chunks = decoder(codes)
        assert chunks.shape == (len(samples), space.horizon, space.width)
        scale = np.abs(trained.statistics.upper - trained.statistics.lower)
        np.testing.assert_allclose(chunks / scale, trained.decode(codes) / scale, atol=1e-4)
