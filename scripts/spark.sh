#!/usr/bin/env bash
# A small Spark cluster on this machine: a master, two workers, Beam's job server, a pool of this project's workers.
#
#     scripts/spark.sh start|stop|status
#
# Variables: JAVA_HOME; SPARK_DIR (logs and process ids, ~/.cache/tfx-vae/spark); SPARK_CORES (of each worker, 2: how many tasks run
# there at the same time); SPARK_PORT (7077: the master; the three ports after it belong to the cluster too); WORKER_PORT (50000).
set -euo pipefail
project=$(cd "$(dirname "$0")/.." && pwd)
readonly ENGINE=spark
readonly DIR=${SPARK_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/tfx-vae/spark}
readonly PORT=${SPARK_PORT:-7077}
readonly JOB_PORT=$((PORT + 1))
# shellcheck source=scripts/cluster.sh
. "$project/scripts/cluster.sh"
readonly PROCESSES=(master worker-1 worker-2 job-server workers)
readonly PORTS=("$PORT" "$JOB_PORT" $((PORT + 3)) "$WORKER_PORT")
readonly MASTER=spark://localhost:$PORT
readonly CORES=${SPARK_CORES:-2}

# Spark's workers start an executor for every job, with all jars of the folder jars of SPARK_HOME.
prepare() {
  local jars
  export SPARK_HOME=$DIR/tmp/home SPARK_LOCAL_HOSTNAME=localhost SPARK_LOCAL_IP=127.0.0.1 SPARK_SCALA_VERSION=2.12
  mkdir -p "$SPARK_HOME/jars"
  IFS=: read -ra jars <<<"$classpath"
  ln -sf "${jars[@]}" "$SPARK_HOME/jars"
}

launch_all() {
  local name option options=()
  run_java master 256 -cp "$SPARK_HOME/jars/*" org.apache.spark.deploy.master.Master --host localhost --port "$PORT" --webui-port $((PORT + 3))
  for name in worker-1 worker-2; do
    run_java "$name" 256 -cp "$SPARK_HOME/jars/*" org.apache.spark.deploy.worker.Worker \
      --host localhost --cores "$CORES" --memory 1g --work-dir "$DIR/tmp/$name" --webui-port 0 "$MASTER"
  done
  # Beam takes the number of partitions from here. A task that fails is repeated at most twice.
  for option in "executor.extraJavaOptions=${JAVA_OPTIONS[*]}" executor.memory=1g "default.parallelism=$((2 * CORES))" \
    task.maxFailures=3 ui.enabled=false driver.host=localhost "local.dir=$DIR/tmp"; do
    options+=("-Dspark.$option")
  done
  run_job_server "${options[@]}" org.apache.beam.runners.spark.SparkJobServerDriver --spark-master-url "$MASTER"
}

is_ready() {
  [[ $(number_at $((PORT + 3)) /json/ aliveworkers) == 2 ]]
}

greeting() {
  echo "http://localhost:$((PORT + 3))"
}

main "$@"
