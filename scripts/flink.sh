#!/usr/bin/env bash
# A small Flink cluster on this machine: a JobManager, two TaskManagers, Beam's job server, a pool of this project's workers.
#
#     scripts/flink.sh start|stop|status
#
# Variables: JAVA_HOME; FLINK_DIR (logs and process ids, ~/.cache/tfx-vae/flink); FLINK_SLOTS (of each TaskManager, 2); FLINK_PORT
# (8081: the REST interface; the four ports after it belong to the cluster too); WORKER_PORT (50000).
set -euo pipefail
project=$(cd "$(dirname "$0")/.." && pwd)

readonly CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/tfx-vae
readonly LIST=$project/scripts/flink.jars
readonly JARS=$CACHE/flink-jars
readonly DIR=${FLINK_DIR:-$CACHE/flink}
readonly PORT=${FLINK_PORT:-8081}
readonly WORKER_PORT=${WORKER_PORT:-50000}
readonly JOB_PORT=$((PORT + 1))
readonly PROCESSES=(jobmanager taskmanager-1 taskmanager-2 job-server workers)
readonly START_SECONDS=300

# Downloads what is missing or damaged, by the client that Beam has for its own jars.
readonly BRING='
import concurrent.futures, hashlib, pathlib, shutil, sys, urllib.request
from apache_beam.utils.subprocess_server import JavaJarServer

def bring(digest, coordinates):
    group, artifact, version = coordinates.split(":")
    path = folder / f"{artifact}-{version}.jar"
    if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == digest:
        return path
    part = path.with_suffix(".part")
    try:
        with urllib.request.urlopen(JavaJarServer.path_to_maven_jar(artifact, group, version), timeout=60) as source, part.open("wb") as file:
            shutil.copyfileobj(source, file)
    except OSError as error:
        sys.exit(f"{coordinates} cannot be downloaded from Maven Central ({error}): connect this machine to the network, or copy the folder {folder} from one that is.")
    found = hashlib.sha256(part.read_bytes()).hexdigest()
    if found != digest:
        sys.exit(f"{coordinates}: the download has the SHA-256 {found}, not that of scripts/flink.jars: try again.")
    return part.rename(path)

folder = pathlib.Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
lines = [line.split() for line in open(sys.argv[1]) if not line.startswith("#")]
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    print(":".join(map(str, pool.map(lambda line: bring(*line), lines))))
'

fail() {
  echo "$*" >&2
  exit 1
}

pid_of() { # NAME: the process id of one that runs
  local pid
  pid=$(cat "$DIR/$1.pid" 2>/dev/null) && grep -qz -- "$DIR" "/proc/$pid/environ" 2>/dev/null && echo "$pid"
}

find_java() {
  java=${JAVA_HOME:+$JAVA_HOME/bin/}java
  local version
  version=$("$java" -version 2>&1) || fail "Flink needs Java 17, and $java does not start: install it (Debian, Ubuntu: apt install openjdk-17-jre-headless), or set JAVA_HOME."
  [[ $version =~ \"([0-9]+) && ${BASH_REMATCH[1]} -ge 11 ]] || fail "Flink needs Java 11 or newer (17 is tested), but $java is ${version%%$'\n'*}: install it (Debian, Ubuntu: apt install openjdk-17-jre-headless), or set JAVA_HOME."
}

find_python() {
  python=$project/.venv/bin/python
  [[ -x $python ]] || fail "The workers need this project's environment: run make setup."
}

is_open() { # PORT
  (exec 3<>"/dev/tcp/localhost/$1") 2>/dev/null
}

task_managers() {
  { exec 3<>"/dev/tcp/localhost/$PORT" && printf 'GET /overview HTTP/1.0\r\n\r\n' >&3 && grep -o '"taskmanagers":[0-9]*' <&3 | cut -d: -f2; } 2>/dev/null
}

launch() { # NAME COMMAND...
  local name=$1
  shift
  FLINK_DIR=$DIR setsid "$@" </dev/null >"$DIR/$name.log" 2>&1 &
  echo $! >"$DIR/$name.pid"
}

run_java() { # NAME MEGABYTES OPTIONS... CLASS ARGUMENTS...
  local name=$1 heap=$2 package opens=()
  shift 2
  for package in sun.net.util java.{lang,net,io,nio,text,time,util} java.lang.reflect java.util.concurrent{,.atomic,.locks} sun.nio.ch; do
    opens+=("--add-opens=java.base/$package=ALL-UNNAMED")
  done
  # Jobs of minutes: one compiler and one collector of memory are enough, and take half the time of the usual ones.
  launch "$name" "$java" "-Xmx${heap}m" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "${opens[@]}" "$@"
}

# Beam's job server sends its class path to the cluster with every job, 155 MB, which the cluster has: all but what Flink's client
# must load itself is on the boot class path, which it does not send.
split_classpath() {
  local jar jars
  IFS=: read -ra jars <<<"$classpath"
  sent=
  kept=
  for jar in "${jars[@]}"; do
    case ${jar##*/} in
      beam-runners-flink-* | flink-java-* | flink-clients-* | flink-optimizer-* | flink-streaming-java-*) sent+=:$jar ;;
      *) kept+=:$jar ;;
    esac
  done
}

write_configuration() {
  mkdir -p "$DIR/conf" "$DIR/tmp"
  cat >"$DIR/conf/flink-conf.yaml" <<END
jobmanager.rpc.address: localhost
jobmanager.rpc.port: $((PORT + 3))
blob.server.port: $((PORT + 4))
rest.port: $PORT
rest.bind-address: localhost
taskmanager.host: localhost
taskmanager.numberOfTaskSlots: ${FLINK_SLOTS:-2}
io.tmp.dirs: $DIR/tmp
classloader.resolve-order: parent-first
taskmanager.network.sort-shuffle.min-buffers: 64
cluster.evenly-spread-out-slots: true
# A TaskManager that is killed is missed within seconds; then the whole job starts again on what is left, at most twice.
heartbeat.interval: 2000
slot.request.timeout: 30000
jobmanager.execution.failover-strategy: full
restart-strategy.type: fixed-delay
restart-strategy.fixed-delay.attempts: 2
restart-strategy.fixed-delay.delay: 1s
END
  # What the usual scripts of Flink compute; in the sum 1 GB with the heap.
  task_manager_memory=()
  local part
  for part in task.heap.size=384m task.off-heap.size=64m framework.heap.size=128m framework.off-heap.size=128m \
    network.min=128m network.max=128m managed.size=64m jvm-metaspace.size=192m jvm-overhead.min=64m jvm-overhead.max=64m; do
    task_manager_memory+=(-D "taskmanager.memory.$part")
  done
}

start() {
  local name port deadline=$((SECONDS + START_SECONDS))
  for name in "${PROCESSES[@]}"; do
    [[ -z $(pid_of "$name") ]] || fail "The cluster of $DIR is running: scripts/flink.sh status shows it, scripts/flink.sh stop ends it."
  done
  for port in "$PORT" "$JOB_PORT" $((PORT + 3)) "$WORKER_PORT"; do
    ! is_open "$port" || fail "Another process listens on port $port: choose others with FLINK_PORT or WORKER_PORT."
  done
  find_java
  find_python
  classpath=$("$python" -c "$BRING" "$LIST" "$JARS")
  write_configuration
  run_java jobmanager 256 -cp "$classpath" org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint --configDir "$DIR/conf"
  for name in taskmanager-1 taskmanager-2; do
    run_java "$name" 512 -XX:MaxDirectMemorySize=320m -XX:MaxMetaspaceSize=192m -cp "$classpath" \
      org.apache.flink.runtime.taskexecutor.TaskManagerRunner --configDir "$DIR/conf" \
      -D "taskmanager.resource-id=$name" -D taskmanager.cpu.cores=1 "${task_manager_memory[@]}"
  done
  split_classpath
  run_java job-server 256 "-Xbootclasspath/a$kept" -cp "${sent#:}" \
    org.apache.beam.runners.flink.FlinkJobServerDriver --flink-master "localhost:$PORT" --job-port "$JOB_PORT" --artifact-port $((PORT + 2)) --expansion-port 0 --artifacts-dir "$DIR/tmp/artifacts"
  launch workers "$project/.venv/bin/tfx-vae" beam-worker --listen "localhost:$WORKER_PORT"
  until [[ $(task_managers) == 2 ]] && is_open "$JOB_PORT" && is_open "$WORKER_PORT"; do
    for name in "${PROCESSES[@]}"; do
      [[ -n $(pid_of "$name") ]] || { stop; fail "$name ended: $DIR/$name.log says why."; }
    done
    ((SECONDS < deadline)) || { stop; fail "The cluster has not started in $START_SECONDS seconds: see the logs in $DIR."; }
    sleep 0.5
  done
  echo "Flink runs: http://localhost:$PORT/overview, logs in $DIR. A pipeline uses it with"
  echo "    --set runtime.beam.runner=flink --set runtime.beam.job_server=localhost:$JOB_PORT --set runtime.beam.workers=localhost:$WORKER_PORT"
}

stop() {
  local name pid pids=() tries=0
  for name in "${PROCESSES[@]}"; do
    if pid=$(pid_of "$name"); then
      kill "$pid" 2>/dev/null && pids+=("$pid")
    fi
  done
  while ((${#pids[@]})) && kill -0 "${pids[@]}" 2>/dev/null; do
    if ((++tries > 100)); then
      kill -9 "${pids[@]}" 2>/dev/null || true
    fi
    sleep 0.1
  done
  rm -rf "$DIR"/*.pid "$DIR/tmp"
}

status() {
  local name pid all=0
  for name in "${PROCESSES[@]}"; do
    if pid=$(pid_of "$name"); then
      echo "$name runs, process $pid"
    else
      echo "$name does not run"
      all=1
    fi
  done
  return $all
}

case ${1:-} in
  start | stop | status) "$1" ;;
  *) fail "Usage: scripts/flink.sh start|stop|status" ;;
esac
