#!/usr/bin/env bash
# Measures how soon the console can be used, beside an empty page, in a Chromium that is slowed down, at a server with the demo's data:
# scripts/console-load.sh [RUNS]. The server is started and stopped here.
set -euo pipefail
cd "$(dirname "$0")/.."
data=$(mktemp -d)
port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close() })')
export THROUGHLINE_URL=http://127.0.0.1:$port THROUGHLINE_KEY=key-of-the-bench
bin/throughline up --data "$data" --listen "127.0.0.1:$port" --key "$THROUGHLINE_KEY" >"$data/up.log" 2>&1 &
up=$!
trap 'kill -TERM "$up" 2>/dev/null || true; wait "$up" 2>/dev/null || true; rm -rf "$data"' EXIT
for _ in $(seq 1 600); do
  curl -sf "$THROUGHLINE_URL/readyz" >/dev/null && break
  kill -0 "$up" 2>/dev/null || { echo "Throughline did not start:"; tail -n 20 "$data/up.log"; exit 1; }
  sleep 0.1
done
bin/throughline simulate --url "$THROUGHLINE_URL" --key "$THROUGHLINE_KEY" --customers 300 --days 16 --rate 0 >"$data/simulate.log" 2>&1
cd services/console/web
node size.mjs
node e2e/load.mjs "${1:-7}"
