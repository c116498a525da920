#!/usr/bin/env bash
# From nothing to the shipped checkpoint: demonstrations, codec, generator, evaluation.
# Every step goes on where it was stopped. RUN: folder for it all (default: runs/tiny).
set -euo pipefail

run=${RUN:-runs/tiny}
episodes=${EPISODES:-1050}
steps=${STEPS:-6500}

kinevla collect --out "$run/dataset" --episodes "$episodes" --workers "$(nproc)"

resume() { [ -e "$1" ] && echo --resume || true; }
[ -e "$run/codec/decoder.onnx" ] ||
  kinevla train codec --dataset "$run/dataset" --out "$run/codec" \
    $(resume "$run/codec/training.safetensors")
[ -e "$run/checkpoint/decoder.onnx" ] ||
  kinevla train generator --dataset "$run/dataset" --codec "$run/codec" \
    --out "$run/checkpoint" --steps "$steps" $(resume "$run/checkpoint/resume.safetensors")

kinevla evaluate --model "$run/checkpoint" --trials 20 --seed 1000 \
  --workers "$(nproc)" --json "$run/evaluation.json"
