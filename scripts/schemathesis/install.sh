#!/usr/bin/env bash
# Makes sure that Python can make virtual environments, which `run` puts schemathesis into.
set -euo pipefail
python3 -c 'import ensurepip, venv' 2>/dev/null && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq >/dev/null
  apt-get install -y -qq --no-install-recommends python3 python3-venv >/dev/null
else
  echo "schemathesis needs Python: install python3 and python3-venv" >&2
  exit 1
fi
