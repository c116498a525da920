"""Compiles the kernels of the engine for a GPU that need not be there, in the full size's shapes.

Run it by itself: whether kernels are compiled or interpreted is settled when triton is imported.
"""

import sys

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from kinevla_ros.generator.engine import kernels
from kinevla_ros.generator.engine.fused_operations import FEW, Sharing
from kinevla_ros.generator.engine.row_product import TILINGS, multiply
from kinevla_ros.generator.engine.trials.sharing import OTHERS

FLOATS = ("eps", "scale")
INTEGERS = {"segments": "i64", "start": "i64", "rule": "i32"}
SINGLE = ("parts", "tops", "sums", "scales", "row_scale")
NUMBERS = ("heads", "length", "new", "width", "height")


def compiled(
    kernel, capability: int, dtype: str = "bf16", out: str = "", weight: str = "", warps: int = 4,
    stages: int = 2, **constants
) -> None:  # fmt: skip
    """Down to the machine code. Raises what the compiler raises."""
    constants["CHAINED"] = capability >= 90
    signature = {}
    for name in kernel.arg_names:
        if name in constants:
            signature[name] = "constexpr"
        elif name in NUMBERS:
            signature[name] = "i32"
        elif name in FLOATS:
            signature[name] = "fp32"
        elif name == "out":
            signature[name] = f"*{out or dtype}"
        elif name == "weight":
            signature[name] = f"*{weight or dtype}"
        else:
            signature[name] = f"*{'fp32' if name in SINGLE else INTEGERS.get(name, dtype)}"
    places = {(kernel.arg_names.index(name),): value for name, value in constants.items()}
    source = ASTSource(fn=kernel, signature=signature, constexprs=places)
    options = {"num_warps": warps, "num_stages": stages, "launch_pdl": constants["CHAINED"]}
    binary = triton.compile(source, target=GPUTarget("cuda", capability, 32), options=options)
    assert binary.asm["cubin"]


def main(capability: int) -> None:
    """Every kernel, as the engine launches it."""
    own = Sharing(FEW, 64, 8), Sharing(64, 64, 1)
    for sharing in own + sum(OTHERS.values(), ()):
        compiled(
            kernels.attend, capability, WHOLE=False, OBSERVATION=2, SPLITS=sharing.splits, SIZE=128,
            ROWS=sharing.rows, COLUMNS=sharing.columns, warps=sharing.warps, stages=sharing.stages,
        )  # fmt: skip
    for splits, rows in ((8, 1), (16, 1), (4, 8)):
        compiled(kernels.join, capability, SPLITS=splits, SIZE=128, ROWS=rows)
    compiled(kernels.turn, capability, GROUP=8, HALF=64)
    compiled(kernels.add_norm, capability, CHANGED=True, ROUND=False, BLOCK=4096)
    compiled(kernels.gate, capability, ROUND=False, BLOCK=1024)
    for tiling in TILINGS:
        shape = {"ROWS": tiling.rows, "COLUMNS": tiling.columns, "AHEAD": tiling.ahead}
        compiled(multiply, capability, SCALED=False, ROUNDED=False, **shape)
        compiled(multiply, capability, weight="i8", SCALED=True, ROUNDED=False, **shape)
    if capability >= 89:
        compiled(kernels.add_norm, capability, out="fp8e4nv", CHANGED=True, ROUND=True, BLOCK=4096)
        compiled(kernels.gate, capability, out="fp8e4nv", ROUND=True, BLOCK=16384, warps=16)
        compiled(kernels.round_rows, capability, out="fp8e4nv", BLOCK=4096)
        for tiling in TILINGS:
            shape = {"ROWS": tiling.rows, "COLUMNS": tiling.columns, "AHEAD": tiling.ahead}
            compiled(
                multiply, capability, "fp8e4nv", out="bf16", SCALED=True, ROUNDED=True, **shape
            )


if __name__ == "__main__":
    main(int(sys.argv[1]))
