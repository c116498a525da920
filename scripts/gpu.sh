#!/usr/bin/env bash
# Everything that needs a GPU, in one call of at most eight minutes, the most important first. A
# step that fails or takes too long does not stop the rest. Figures, logs and summary.md in OUT.
#
#   [OUT=runs/gpu] [WHEELS=wheels] [DATASET=folder] [ONLY="bf16 fp8"] scripts/gpu.sh
#
# ONLY names the steps to run; all of them without it. With a small simulated dataset in DATASET the
# small generator is trained on it for 100 steps.
# Wants Python with PyTorch for CUDA. Packages that the machine lacks are taken from wheels in the
# folder WHEELS, if it is there, without a network. Fill it elsewhere, for Python 3.12 by
#   pip download --no-deps --only-binary=:all: --python-version 3.12 --implementation cp \
#     --platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64 -d wheels NAME==VERSION ...
# Without a GPU everything runs cut down; fp8 and products fail.
set -uo pipefail
cd "$(dirname "$0")/.."

out=${OUT:-runs/gpu}
wheels=${WHEELS:-wheels}
seconds=${SECONDS_IN_ALL:-480}
mkdir -p "$out"
rm -rf "$out"/*.json "$out"/*.log "$out/steps.tsv" "$out/generator"
SECONDS=0
export PYTHONPATH="$PWD${PYTHONPATH:+:$PYTHONPATH}" PYTHONUNBUFFERED=1

# step NAME LIMIT COMMAND: run it for at most LIMIT seconds or what is left, and note how it ended.
step() {
  local name=$1 limit=$2 began=$SECONDS ended
  shift 2
  [[ -z ${ONLY:-} || " wheels device $ONLY " == *" $name "* ]] || return 0
  local left=$((seconds - SECONDS))
  [ "$limit" -lt "$left" ] || limit=$left
  if [ "$limit" -lt 1 ]; then
    ended="not run, no time left"
  else
    echo "== $name (at most $limit s)"
    timeout --kill-after=5 "$limit" "$@" >"$out/$name.log" 2>&1
    case $? in
      0) ended=done ;;
      124 | 137) ended="cut off after $limit s" ;;
      *) ended=failed && tail -n 3 "$out/$name.log" ;;
    esac
  fi
  printf '%s\t%s\t%s\n' "$name" "$ended" $((SECONDS - began)) >>"$out/steps.tsv"
}

chunk() {
  step "$1" "$2" python3 -m kinevla_ros.cli bench chunk --random-7b \
    --chunks "${CHUNKS:-150}" --json "$out/$1.json" "${@:3}"
}

if compgen -G "$wheels/*.whl" >/dev/null; then
  packages=$(realpath "$out")/packages
  export PYTHONPATH="$packages:$PYTHONPATH"
  step wheels 60 python3 -m pip install --quiet --no-index --no-deps --upgrade \
    --target "$packages" "$wheels"/*.whl
fi
step device 30 nvidia-smi --query-gpu=name,memory.total,driver_version --format=csv,noheader
chunk bf16 110 --no-generate --profile "$out/bf16_profile.txt"
chunk fp8 60 --weights fp8
chunk bf16_depth_head 55 --no-generate --depth-head
step lora 60 python3 -m kinevla_ros.cli bench lora --batch-size "${BATCH:-8}" \
  --steps "${STEPS:-10}" --json "$out/lora.json"
if [ -n "${DATASET:-}" ]; then
  MUJOCO_GL=egl step train 60 python3 -m kinevla_ros.cli train generator --dataset "$DATASET" \
    --codec models/kinevla-tiny --start models/kinevla-tiny --looks 8 --steps 100 \
    --batch-size 512 --out "$out/generator"
fi
side_by_side=()
python3 -c "import xdist" 2>/dev/null && side_by_side=(-n 4)
step tests 120 python3 -m pytest -q -p no:cacheprovider "${side_by_side[@]}" \
  test/generator/engine/test_{graph,kernels,products,trials,engine,quantised}.py \
  test/generator/pictures/test_squares.py
chunk int8 60 --weights int8
chunk fp8_depth_head 60 --weights fp8 --depth-head
step flips 60 python3 -m kinevla_ros.cli bench flips --cases "${CASES:-100}" --weights int8 \
  --json "$out/flips.json"
step products 45 python3 scripts/gpu_products.py "$out/products.json"
chunk generate 150
python3 scripts/gpu_summary.py "$out" | tee "$out/summary.md"
