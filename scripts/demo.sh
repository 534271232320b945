#!/usr/bin/env bash
# Starts everything on embedded engines, streams a simulated company in, and goes on with live traffic. Ctrl-C stops it; a second run resumes.
set -euo pipefail
data=${1:-.cache/demo} listen=${2:-127.0.0.1:8080} key=demo-key
url="http://$listen"
mkdir -p "$data"

bin/throughline up --data "$data" --listen "$listen" --key "$key" >"$data/up.log" 2>&1 &
up=$!
stop() { trap - INT TERM EXIT; echo; echo "Stopping; the data stays in $data."; kill -TERM "$up" 2>/dev/null || true; wait "$up" 2>/dev/null || true; }
trap 'stop; exit 0' INT TERM
trap stop EXIT

for _ in $(seq 1 300); do
  curl -fsS -o /dev/null "$url/readyz" 2>/dev/null && break
  kill -0 "$up" 2>/dev/null || { echo "Throughline did not start; the end of $data/up.log:"; tail -n 20 "$data/up.log"; exit 1; }
  sleep 0.1
done

cat <<EOT
Throughline runs on $url (log: $data/up.log). Try, in another terminal:

  curl -H 'Authorization: Bearer $key' '$url/v1/status'
  curl -H 'Authorization: Bearer $key' '$url/v1/reports/touchpoints?by=channel,direction'
  curl -H 'Authorization: Bearer $key' '$url/v1/reports/conversations?by=channel'
  curl -H 'Authorization: Bearer $key' '$url/v1/conversations?sort=waiting&limit=5'

EOT
bin/throughline simulate --url "$url" --key "$key" --state "$data/simulate.json" --live
