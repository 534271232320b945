#!/usr/bin/env bash
# Starts 1 or 3 Kafka brokers (KRaft) on free loopback ports and prints their addresses, comma-separated.
#   start.sh [1|3] [DIR]       DIR is .cache/kafka/data by default
# Each broker lives in DIR/broker-N: server.properties, pid, port, out.log. Run again on the same DIR it starts those that
# are not running, with their data and on their ports. With PARENT=PID in the environment they are killed when that
# process is gone.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=$(cd "$here/../.." && pwd)/.cache/kafka
count=${1:-1}
dir=${2:-$cache/data}
case $count in 1) insync=1 ;; 3) insync=2 ;; *) echo "start.sh: 1 or 3 brokers, not $count" >&2; exit 2 ;; esac
[ -d "$cache/libs" ] && command -v java >/dev/null || { echo "start.sh: run scripts/kafka/install.sh first" >&2; exit 1; }

# 384 MB is enough for tests; the serial collector and one compiler level keep three brokers in 1.1 GB on two cores.
kafka() { exec java -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dlog4j2.configurationFile="$here/log4j2.properties" -cp "$cache/libs/*" "$@"; }

open() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Below the range that the system gives to outgoing connections.
declare -A taken=()
free_port() {
  local p
  while p=$((20000 + RANDOM % 12000)); [ -n "${taken[$p]:-}" ] || open "$p"; do :; done
  taken[$p]=1
  port=$p
}

if [ ! -e "$dir/broker-$count/server.properties" ]; then
  voters= ports=() controllers=()
  for i in $(seq "$count"); do
    free_port; ports[i]=$port
    free_port; controllers[i]=$port
    voters+=${voters:+,}$i@127.0.0.1:$port
  done
  for i in $(seq "$count"); do
    home=$dir/broker-$i
    mkdir -p "$home"
    echo "${ports[i]}" >"$home/port"
    cat >"$home/server.properties" <<CONF
process.roles=broker,controller
node.id=$i
controller.quorum.voters=$voters
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:${ports[i]},CONTROLLER://127.0.0.1:${controllers[i]}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$home/log
auto.create.topics.enable=false
default.replication.factor=$count
min.insync.replicas=$insync
offsets.topic.replication.factor=$count
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=$count
transaction.state.log.min.isr=$insync
# A test that kills a member or a broker should not wait for the defaults (6 s and 9 s).
group.min.session.timeout.ms=1000
group.initial.rebalance.delay.ms=0
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
CONF
  done
  for i in $(seq "$count"); do
    (kafka kafka.tools.StorageTool format -t dGhyb3VnaGxpbmUtdGVzdA -c "$dir/broker-$i/server.properties" >"$dir/broker-$i/format.log" 2>&1) &
  done
  wait
fi

# A killed broker may stay as a zombie where nobody reaps it.
running() {
  [ -e "$1/pid" ] || return 1
  case $(ps -o stat= -p "$(cat "$1/pid")" || true) in '' | Z*) return 1 ;; esac
}

for i in $(seq "$count"); do
  home=$dir/broker-$i
  running "$home" && continue
  (kafka kafka.Kafka "$home/server.properties" >>"$home/out.log" 2>&1 </dev/null) &
  echo $! >"$home/pid"
done

addresses=
for i in $(seq "$count"); do
  home=$dir/broker-$i
  until open "$(cat "$home/port")"; do
    running "$home" || { echo "start.sh: broker $i did not start:" >&2; tail -n 20 "$home/out.log" "$home/format.log" >&2; exit 1; }
    sleep 0.1
  done
  addresses+=${addresses:+,}127.0.0.1:$(cat "$home/port")
done

if [ -n "${PARENT:-}" ]; then
  (while kill -0 "$PARENT" 2>/dev/null; do sleep 1; done; exec "$here/stop.sh" "$dir") >/dev/null 2>&1 </dev/null &
fi
echo "$addresses"
