#!/usr/bin/env bash
# Fetches Apache Kafka's jars (54 MB) into .cache/kafka/libs of the repository, with Java and Maven when they are absent
# and may be installed. Does nothing when the jars are there.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=$(cd "$here/../.." && pwd)/.cache/kafka

if ! command -v javac >/dev/null || { [ ! -e "$cache/installed" ] && ! command -v mvn >/dev/null; }; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >/dev/null
    apt-get install -y -qq --no-install-recommends default-jdk-headless maven >/dev/null
  else
    echo "real Kafka needs a JDK 17 and Maven: install default-jdk-headless and maven" >&2
    exit 1
  fi
fi

# The pom names the version: another pom means other jars.
if ! cmp -s "$here/pom.xml" "$cache/installed"; then
  rm -rf "$cache/libs"
  mkdir -p "$cache"
  mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$cache/libs"
  cp "$here/pom.xml" "$cache/installed"
fi
