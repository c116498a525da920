#!/usr/bin/env bash
# Makes the virtual environment $1 with the Python $2 and installs the package into it, editable.
# System packages that pip cannot bring are installed where that is permitted.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$1
python=$2

die() {
  printf '\n%s\n' "$@" >&2
  exit 1
}

missing_packages() {
  local headers package
  "$python" -c 'import ensurepip, venv' 2>/dev/null || echo python3-venv
  headers=$("$python" -c 'import sysconfig; print(sysconfig.get_path("include"))')
  [ -f "$headers/Python.h" ] || echo python3-dev
  command -v g++ >/dev/null || echo g++
  for package in libegl1 libgl1 libgl1-mesa-dri libusb-1.0-0; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || echo "$package"
  done
}

install_system_packages() {
  local packages
  mapfile -t packages < <(missing_packages)
  [ ${#packages[@]} -eq 0 ] && return
  command -v apt-get >/dev/null ||
    die "Install what your system calls these Debian packages, then try again:" "  ${packages[*]}"
  local install="apt-get install -y --no-install-recommends ${packages[*]}"
  if [ "$(id -u)" -eq 0 ]; then
    apt-get update -q && DEBIAN_FRONTEND=noninteractive $install
  elif sudo -n true 2>/dev/null; then
    sudo apt-get update -q && sudo DEBIAN_FRONTEND=noninteractive $install
  else
    die "System packages are missing. Run this command, then try again:" "  sudo $install"
  fi
}

"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
  die "$("$python" --version) is too old: 3.11 is needed. Name another: make PYTHON=python3.12"
install_system_packages
"$python" -m venv "$venv"
touch "$venv/COLCON_IGNORE"  # in a workspace it holds no packages to build
"$venv/bin/pip" install --editable '.[ros,sim,skills,evaluate,train,serve,console,realsense,record,teleop,test]'
