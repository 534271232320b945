#!/usr/bin/env bash
# Takes a picture of every page of the console at 1440 and 375 px: scripts/console-shots.sh FOLDER [de] [dark]. A server must run: THROUGHLINE_URL
# and THROUGHLINE_KEY say where and as whom; absent, the demo's.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
folder=$(realpath -m "${1:?a folder}") && shift
cd "$here/services/console/web"
exec node e2e/shots.mjs "$folder" "$@"
