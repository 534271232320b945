#!/usr/bin/env bash
# Prints every measure beside its floor, both of this run. BENCH_TOUCHPOINTS (10,000,000) is the size of the whole, BENCH_QUIET (33m) how long the store rests before look-ups.
set -euo pipefail
cd "$(dirname "$0")/.."
total=${BENCH_TOUCHPOINTS:-10000000}

go_bench() { # module package pattern [options]
  ( cd "$1" && go test -run '^$' -bench "$3" -timeout 2h "${@:4}" "$2" | grep -E '^Benchmark|FAIL|panic' )
}

echo "machine: $(nproc) cores, $(grep -m1 'model name' /proc/cpuinfo | cut -d: -f2 | xargs), $(go version | awk '{print $3}')"
echo
echo "== the door against bare net/http + segmentio decode + produce (targets: one a request >= 0.8 of the floor, batches of 100 >= 0.6)"
go_bench services ./collect 'HTTP' -benchtime 3s
echo
echo "== Segment's calls in batches of 100 against batches of 100 touchpoints (target: >= 0.5)"
go_bench services ./segment 'Batches' -benchtime 3s
echo
echo "== log -> ClickHouse against ready Native blocks (targets: >= 0.5 of the floor, <= 3 us of CPU a row, RSS <= 512 MiB)"
go_bench services ./load 'Load' -benchtime 1x
echo
echo "== identity, pure, one core, all rules on (targets: >= 1,000,000 links/s known, >= 300,000 new, <= 64 bytes an anchor)"
go_bench streams ./identity 'Resolve|Memory' -cpu 1
echo
echo "== counting by person against counting by anchor, one in twenty moved (target: <= 1.3 times); why, with 100 identifiers (target: p95 <= 50 ms)"
THROUGHLINE_BENCH_TOUCHPOINTS=1000000 go_bench services ./serve 'ByPerson' -benchtime 1x
go_bench services ./serve 'Why' -benchtime 100x
echo
echo "== the console's first page, all its questions at once, and reports by two dimensions, inside the engine (targets: p95 <= 300 ms and <= 500 ms at ten times the size)"
THROUGHLINE_BENCH_TOUCHPOINTS=1000000 go_bench services ./serve 'Overview' -benchtime 20x
echo
echo "== rehearsal of identity rules, both passes over the log on the embedded broker (target: >= 500,000 touchpoints/s)"
go_bench services ./rehearse 'Rehearsal' -benchtime 3x
echo
echo "== conversations, one core: pure, and with decoding and encoding (target: pure >= 300,000 touchpoints/s; a customer with 100,000 at most twice as much each, in order)"
go_bench streams ./conversation '.' -cpu 1 -benchtime 1x
echo
echo "== a webhook of 2 KB: mapping by its source file against an adapter by hand (targets: <= 10 us, <= 2 times the hand), and its proof"
go_bench streams ./source 'Mapping' -benchtime 20000x -count 3
echo
echo "== the console: usable with the CPU slowed down to a quarter (target: <= 1500 ms on a quiet machine), script before the first picture (target: <= 400 KiB)"
scripts/console-load.sh
echo
echo "== the whole pipeline: the binary on embedded engines, fed over HTTP, generator included"
( cd services && go run ./cmd/bench -binary ../bin/throughline -total "$total" -first "$((total / 10))" -quiet "${BENCH_QUIET:-33m}" )
