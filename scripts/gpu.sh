#!/usr/bin/env bash
# Everything that needs a GPU, in one call: the engine's graphs against plain decoding, how often
# rounding changes what is written, the chunk of the full-size model with random weights (as they
# are, in 8 bits, with a depth head), a step of its fine-tuning. Results in OUT.
# Wants the package with its train and test extras, and PyTorch with CUDA.
set -euo pipefail
cd "$(dirname "$0")/.."

out=${OUT:-runs/gpu}
mkdir -p "$out"

python3 -c 'import sys, torch; sys.exit(0 if torch.cuda.is_available() else "no CUDA device")'
nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv | tee "$out/device.csv"
python3 -m pytest -q test/generator/test_engine.py test/generator/test_quantised.py test/generator/test_depth_head.py \
  test/generator/test_openvla.py test/training/test_lora.py test/nodes/policy/test_full_size_policy.py | tee "$out/tests.txt"
kinevla bench flips --cases "${CASES:-200}" --weights int8 --json "$out/flips.json"
chunk() { kinevla bench chunk --random-7b --chunks "${CHUNKS:-1000}" --json "$out/$1.json" "${@:2}"; }
chunk chunk
chunk chunk_int8 --weights int8
chunk chunk_depth_head --depth-head
kinevla bench lora --batch-size "${BATCH:-8}" --steps "${STEPS:-20}" --json "$out/lora.json"
# A GPU before Ada and Hopper has no fp8 and ends the script here.
chunk chunk_fp8 --weights fp8
chunk chunk_fp8_depth_head --weights fp8 --depth-head
