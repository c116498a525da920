#!/usr/bin/env bash
# From nothing to a checkpoint like the shipped one: demonstrations, moments, codec, generator,
# six rounds of corrections, evaluation, the threshold of doubt. Every step goes on where it was stopped.
# The policy sees each frame in LOOKS looks of the cell, and corrections are driven in varied ones.
# RUN: folder for it all. EPISODES, MOMENTS, STEPS, ENCODER_STEPS, CORRECTIONS, ROUND_STEPS, LOOKS:
# how much of each.
set -euo pipefail

run=${RUN:-runs/tiny}
episodes=${EPISODES:-630}
moments=${MOMENTS:-7000}
encoder_steps=${ENCODER_STEPS:-2000}
steps=${STEPS:-8000}
corrections=${CORRECTIONS:-200}
round_steps=${ROUND_STEPS:-1500}
looks=${LOOKS:-2}
workers=$(nproc)

resume() { [ ! -e "$1" ] || echo --resume; }

generator() { # OUT, then the options of this stage
  local out=$1
  shift
  [ -e "$out/model.safetensors" ] || kinevla train generator --codec "$run/codec" --out "$out" \
    --looks "$looks" "$@" \
    $(resume "$out/resume.safetensors")
}

kinevla collect --out "$run/dataset" --episodes "$episodes" --workers "$workers"
kinevla collect --moments --out "$run/moments" --episodes "$moments" --seed 50 \
  --workers "$workers"
[ -e "$run/codec/decoder.onnx" ] ||
  kinevla train codec --dataset "$run/dataset" --dataset "$run/moments" --out "$run/codec" \
    $(resume "$run/codec/training.safetensors")

datasets=(--dataset "$run/dataset" --dataset "$run/moments")
generator "$run/round0" "${datasets[@]}" --steps "$steps" --encoder-steps "$encoder_steps" \
  --learning-rate 1e-3
for round in 1 2 3 4 5 6; do
  last="$run/round$((round - 1))"
  kinevla correct --model "$last" --out "$run/corrections$round" --episodes "$corrections" \
    --seed "$round" --workers "$workers" --varied
  datasets+=(--dataset "$run/corrections$round")
  generator "$run/round$round" "${datasets[@]}" --start "$last" --steps "$round_steps" \
    --learning-rate 5e-4
done

kinevla evaluate --model "$run/round6" --trials 20 --seed 1000 --workers "$workers" \
  --json "$run/evaluation.json"
kinevla calibrate --model "$run/round6" --episodes "$run/evaluation.json"
