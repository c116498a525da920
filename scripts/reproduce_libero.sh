#!/usr/bin/env bash
# From nothing to a checkpoint for LIBERO's world, and what it does there: demonstrations of both
# task sets, codec, generator, rounds of corrections, both suites from LIBERO's initial states.
# Every step goes on where it was stopped. Needs scripts/libero.sh.
# RUN: folder for it all. EPISODES, STEPS, ENCODER_STEPS, ROUNDS, CORRECTIONS, ROUND_STEPS, TRIALS:
# how much of each.
set -euo pipefail

run=${RUN:-runs/libero}
episodes=${EPISODES:-3400}
encoder_steps=${ENCODER_STEPS:-2000}
steps=${STEPS:-12000}
rounds=${ROUNDS:-4}
corrections=${CORRECTIONS:-340}
round_steps=${ROUND_STEPS:-2000}
trials=${TRIALS:-20}
workers=$(nproc)

resume() { [ ! -e "$1" ] || echo --resume; }

generator() { # OUT, then the options of this stage
  local out=$1
  shift
  [ -e "$out/model.safetensors" ] || kinevla train generator --codec "$run/codec" --out "$out" \
    "$@" $(resume "$out/resume.safetensors")
}

kinevla collect --world libero --moments --out "$run/dataset" --episodes "$episodes" \
  --workers "$workers"
[ -e "$run/codec/decoder.onnx" ] ||
  kinevla train codec --dataset "$run/dataset" --out "$run/codec" \
    $(resume "$run/codec/training.safetensors")

datasets=(--dataset "$run/dataset")
generator "$run/round0" "${datasets[@]}" --steps "$steps" --encoder-steps "$encoder_steps" \
  --learning-rate 1e-3
for ((round = 1; round <= rounds; round++)); do
  last="$run/round$((round - 1))"
  kinevla correct --world libero --model "$last" --out "$run/corrections$round" \
    --episodes "$corrections" --seed "$round" --workers "$workers"
  datasets+=(--dataset "$run/corrections$round")
  generator "$run/round$round" "${datasets[@]}" --start "$last" --steps "$round_steps" \
    --learning-rate 5e-4
done

for suite in kine_libero libero_goal_relabeled; do
  kinevla evaluate --suite "$suite" --model "$run/round$rounds" --trials "$trials" \
    --workers "$workers" --intervene mismatched --rows "$run/$suite.jsonl" \
    --json "$run/$suite.json"
done
