#!/usr/bin/env bash
# Stops the brokers that start.sh started on DIR (.cache/kafka/data by default). Their data stays.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:-$(cd "$here/../.." && pwd)/.cache/kafka/data}
for pid in "$dir"/broker-*/pid; do
  [ -e "$pid" ] || continue
  # A controlled shutdown waits for the other brokers, which go down as well.
  kill -9 "$(cat "$pid")" 2>/dev/null || true
  rm -f "$pid"
done
