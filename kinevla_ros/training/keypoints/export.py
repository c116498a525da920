"""Writes a keypoint network as one ONNX file, with what its outputs mean."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch

from kinevla_ros.base.files.atomic import replacing
from kinevla_ros.keypoints.detector import INPUT, OUTPUTS, RIG_KEY
from kinevla_ros.keypoints.rig import KeypointRig
from kinevla_ros.training.keypoints.network import KeypointNetwork


def export_keypoints(network: KeypointNetwork, rig: KeypointRig, path: Path) -> None:
    """Write the file. Needs the packages onnx and onnxscript (extra `train`)."""
    camera, free = rig.cameras[0], torch.export.Dim.AUTO
    network = network.cpu().eval()
    with torch.no_grad():
        program = torch.onnx.export(
            network,
            (torch.zeros(1, 3, camera.height, camera.width, dtype=torch.uint8),),
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_shapes=({2: free, 3: free},),
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # only without dynamo
    model = program.model_proto
    for node in model.graph.node:
        node.ClearField("doc_string")
        node.ClearField("metadata_props")
    entry = model.metadata_props.add()
    entry.key, entry.value = RIG_KEY, rig.model_dump_json()
    onnx.checker.check_model(model)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as new:
        new.write_bytes(model.SerializeToString())
