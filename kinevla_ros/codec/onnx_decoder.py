"""The ONNX decoder: codes to motion, without torch, on one thread."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from kinevla_ros.base.files.damage import FileError, one_line
from kinevla_ros.base.files.onnx_file import check_onnx
from kinevla_ros.base.onnx_session import open_session
from kinevla_ros.codec.contract import Contract, ContractError

OPERATORS = {
    *("Add", "Cast", "Concat", "Constant", "Div", "Erf", "Gather", "Gelu", "Gemm", "Identity"),
    *("MatMul", "Mul", "Reshape", "Sigmoid", "Slice", "Squeeze", "Sub", "Transpose", "Unsqueeze"),
}
"""What the graph of a decoder may use: none of them makes much out of little."""
LARGEST = 256 << 20
CONTRACT_KEY = "kinevla.contract"
INPUT, OUTPUT = "codes", "chunks"


class OnnxDecoder:
    """Decodes codes with a file that `export_onnx` wrote.

    Args:
        path: The ONNX file.
        expected: What the caller relies on; a checkpoint gives its own with the checksum.

    Attributes:
        contract: What the file promises.

    Raises:
        FileNotFoundError: There is no such file.
        ContractError: The file is damaged, carries no contract, does not keep the one it
            carries, or keeps another than expected.
    """

    def __init__(self, path: Path, expected: Contract | None = None) -> None:
        if not path.is_file():
            raise FileNotFoundError(f"{path} is missing; export the decoder of a trained codec")
        try:
            check_onnx(path, OPERATORS, LARGEST)
        except FileError as problem:
            raise ContractError(str(problem)) from problem
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # what is wrong is raised
        try:
            self._session = open_session(path, options, _one_chunk)
            metadata = self._session.get_modelmeta().custom_metadata_map
        except Exception as problem:  # onnxruntime's errors share no base class of their own
            raise ContractError(
                f"{path} is not a readable ONNX file: {one_line(problem)}"
            ) from problem
        if CONTRACT_KEY not in metadata:
            raise ContractError(f"{path} carries no contract; export it with export_onnx")
        self.contract = Contract.from_json(metadata[CONTRACT_KEY])
        self.contract.require(expected or Contract())
        self._check_graph(path)
        self._try_every_code(path)

    def __call__(self, codes: NDArray[np.integer]) -> NDArray[np.float32]:
        """Return physical chunks, float32, shape (B, H, D), of codes, shape (B, levels).

        Codes of one chunk, shape (levels,), give B = 1. Absolute actions come as offsets from
        the state measured at the chunk's start, see `ActionSpace.start`; the gripper as it is.

        Raises:
            InvalidCodeError: See `Contract.check_codes`. Nothing is clipped.
        """
        chunks = self._session.run([OUTPUT], {INPUT: self.contract.check_codes(codes)})[0]
        return np.asarray(chunks, dtype=np.float32)

    def _check_graph(self, path: Path) -> None:
        contract, inputs, outputs = (
            self.contract,
            self._session.get_inputs(),
            self._session.get_outputs(),
        )
        found = [(node.name, node.type, node.shape[1:]) for node in (*inputs, *outputs)]
        promised = [
            (INPUT, "tensor(int64)", [contract.levels]),
            (OUTPUT, "tensor(float)", [contract.space.horizon, contract.space.width]),
        ]
        if found != promised:
            raise ContractError(f"{path} has inputs and outputs {found}, not {promised}")

    def _try_every_code(self, path: Path) -> None:
        """Decode each entry of each codebook once: later nothing may fail."""
        contract = self.contract
        codes = np.arange(contract.codes_per_level)[:, None].repeat(contract.levels, axis=1)
        try:
            chunks = self(codes)
        except Exception as problem:  # see above
            raise ContractError(f"{path} does not decode: {one_line(problem)}") from problem
        if chunks.shape != (len(codes), contract.space.horizon, contract.space.width):
            raise ContractError(f"{path} gives chunks of shape {chunks.shape}")
        if not np.isfinite(chunks).all():
            raise ContractError(f"{path} decodes to NaN or infinity")


def _one_chunk(session: onnxruntime.InferenceSession) -> dict[str, NDArray[np.int64]]:
    return {INPUT: np.zeros((1, session.get_inputs()[0].shape[1]), np.int64)}
