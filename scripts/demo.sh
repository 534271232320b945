#!/usr/bin/env bash
# Starts everything on embedded engines, streams a simulated company in, and goes on with live traffic. Ctrl-C stops it; a
# second run resumes with its data.
set -euo pipefail
data=${1:-.cache/demo} listen=${2:-127.0.0.1:8080} key=demo-key
url="http://$listen"
mkdir -p "$data"

# A process group of its own: Ctrl-C reaches this script, which stops the sender first and then the server.
set -m
bin/throughline up --data "$data" --listen "$listen" --key "$key" >"$data/up.log" 2>&1 &
up=$!
sender=
stop() {
  trap '' INT TERM
  trap - EXIT
  echo
  echo "Stopping; the data stays in $data."
  if [ -n "$sender" ]; then kill -TERM "$sender" 2>/dev/null || true; wait "$sender" 2>/dev/null || true; fi
  kill -TERM "$up" 2>/dev/null || true
  wait "$up" 2>/dev/null || true
}
trap 'stop; exit 0' INT TERM
trap stop EXIT

for _ in $(seq 1 600); do
  (exec 3<>"/dev/tcp/${listen%:*}/${listen##*:}") 2>/dev/null && break
  kill -0 "$up" 2>/dev/null || { echo "Throughline did not start; the end of $data/up.log:"; tail -n 20 "$data/up.log"; exit 1; }
  sleep 0.1
done
echo "Throughline runs on $url with key $key; its log is $data/up.log."
bin/throughline simulate --url "$url" --key "$key" --state "$data/simulate.json" &
sender=$!
wait "$sender"
