#!/usr/bin/env bash
# The long form of the crash, property and fuzz tests, and of generated requests: rounds of all of them until SOAK_HOURS are over. Each test prints
# its seed, and what to set to repeat it; the first failure ends the run.
set -euo pipefail
cd "$(dirname "$0")/.."
hours=${SOAK_HOURS:-2}
kills=${SOAK_KILLS:-1000}
checks=${SOAK_CHECKS:-20000} # of each property; 20000 are some two million links against the oracle of identity, per set of rules
until=$(( $(date +%s) + hours * 3600 ))
export THROUGHLINE_REQUIRE_ENGINE=1 THROUGHLINE_REQUIRE_KAFKA=1
modules="schemas streams services"

fuzz() { # every fuzz target of every package, a minute each
  for m in $modules; do
    ( cd "$m"
      grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -n1 dirname | sort -u | while read -r package; do
        grep -hoE '^func Fuzz[A-Za-z0-9]+' "$package"/*_test.go | awk '{print $2}' | while read -r target; do
          echo "== $m/$package $target"
          go test -run '^$' -fuzz "^$target\$" -fuzztime 60s "$package"
        done
      done )
  done
}

round=0
while [ "$(date +%s)" -lt "$until" ]; do
  round=$((round + 1))
  echo "==== round $round, until $(date -d "@$until" 2>/dev/null || date -r "$until")"
  echo "== crash: $kills kills on embedded engines, $((kills / 5)) on three real brokers"
  THROUGHLINE_KILLS=$kills THROUGHLINE_KAFKA_KILLS=$((kills / 5)) go test -v -count=1 -timeout 24h github.com/throughline/throughline/services/crash
  echo "== properties"
  for m in $modules; do
    ( cd "$m"
      grep -rlE 'rapid\.Check' --include='*_test.go' . | xargs -n1 dirname | sort -u | while read -r package; do
        echo "== $m/$package"
        go test -count=1 -timeout 24h "$package" -rapid.checks="$checks"
      done )
  done
  fuzz
  seed=$RANDOM
  echo "== generated requests, THROUGHLINE_SCHEMATHESIS_SEED=$seed"
  THROUGHLINE_SCHEMATHESIS_SEED=$seed THROUGHLINE_SCHEMATHESIS_EXAMPLES=30 go test -count=1 -timeout 24h -run '^TestSchemathesis$' github.com/throughline/throughline/services/serve
done
echo "soak: $round rounds without a failure"
