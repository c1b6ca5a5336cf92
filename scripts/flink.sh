#!/usr/bin/env bash
# A small Flink cluster on this machine: a JobManager, two TaskManagers, Beam's job server, a pool of this project's workers.
#
#     scripts/flink.sh start|stop|status
#
# Variables: JAVA_HOME; FLINK_DIR (logs and process ids, ~/.cache/tfx-vae/flink); FLINK_SLOTS (of each TaskManager, 2); FLINK_PORT
# (8081: the REST interface; the four ports after it belong to the cluster too); WORKER_PORT (50000).
set -euo pipefail
project=$(cd "$(dirname "$0")/.." && pwd)
readonly ENGINE=flink
readonly DIR=${FLINK_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/tfx-vae/flink}
readonly PORT=${FLINK_PORT:-8081}
readonly JOB_PORT=$((PORT + 1))
# shellcheck source=scripts/cluster.sh
. "$project/scripts/cluster.sh"
readonly PROCESSES=(jobmanager taskmanager-1 taskmanager-2 job-server workers)
readonly PORTS=("$PORT" "$JOB_PORT" $((PORT + 3)) "$WORKER_PORT")

prepare() {
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
# A TaskManager without memory ends, too. By default only the thread ends, and the job waits for it for ever.
cluster.uncaught-exception-handling: FAIL
slot.request.timeout: 30000
jobmanager.execution.failover-strategy: full
restart-strategy.type: fixed-delay
restart-strategy.fixed-delay.attempts: 2
restart-strategy.fixed-delay.delay: 1s
END
  # What the usual scripts of Flink compute; in the sum 1.9 GB with the heap. Beam sends elements to its workers from off-heap memory: 64 MB were
  # too little for the Transform of 70,000 images in two parts. A heap of 512 MB was too little for that of a million.
  task_manager_memory=()
  local part
  for part in task.heap.size=896m task.off-heap.size=320m framework.heap.size=128m framework.off-heap.size=128m \
    network.min=128m network.max=128m managed.size=64m jvm-metaspace.size=192m jvm-overhead.min=64m jvm-overhead.max=64m; do
    task_manager_memory+=(-D "taskmanager.memory.$part")
  done
}

launch_all() {
  local name
  run_java jobmanager 256 -cp "$classpath" org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint --configDir "$DIR/conf"
  for name in taskmanager-1 taskmanager-2; do
    run_java "$name" 1024 -XX:MaxDirectMemorySize=576m -XX:MaxMetaspaceSize=192m -cp "$classpath" \
      org.apache.flink.runtime.taskexecutor.TaskManagerRunner --configDir "$DIR/conf" \
      -D "taskmanager.resource-id=$name" -D taskmanager.cpu.cores=1 "${task_manager_memory[@]}"
  done
  run_job_server org.apache.beam.runners.flink.FlinkJobServerDriver --flink-master "localhost:$PORT"
}

is_ready() {
  [[ $(number_at "$PORT" /overview taskmanagers) == 2 ]]
}

greeting() {
  echo "http://localhost:$PORT/overview"
}

main "$@"
