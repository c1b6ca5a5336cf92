# What scripts/flink.sh and scripts/spark.sh have in common: a small cluster of an engine on this machine, Beam's job server, and a pool
# of this project's workers. Both source it, with ENGINE (as in their names), DIR, PORT, JOB_PORT, and set afterwards:
#
#     PROCESSES    the names of all processes, in the order of their start
#     PORTS        those that must be free
#     prepare      writes what the processes read; $classpath has all jars
#     launch_all   starts the processes but the workers
#     is_ready     whether the engine's own processes have found each other
#     greeting     where to look
readonly CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/tfx-vae
readonly SCRIPT=scripts/$ENGINE.sh
readonly LIST=$project/scripts/$ENGINE.jars
# Beam's job server sends its class path to the cluster with every job, 155 MB or more, but for jars below such a folder
# (PipelineResources.isStageable). The cluster has all of them.
readonly JARS=$CACHE/jars/gradle/wrapper
readonly WORKER_PORT=${WORKER_PORT:-50000}
readonly START_SECONDS=300

# Downloads what is missing or damaged, by the client that Beam has for its own jars.
readonly BRING='
import concurrent.futures, hashlib, pathlib, shutil, sys, tempfile, urllib.request
from apache_beam.utils.subprocess_server import JavaJarServer

def bring(digest, coordinates):
    group, artifact, version = coordinates.split(":")
    path = folder / f"{artifact}-{version}.jar"
    if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == digest:
        return path
    with tempfile.TemporaryDirectory(dir=folder) as part:
        part = pathlib.Path(part) / path.name
        try:
            with urllib.request.urlopen(JavaJarServer.path_to_maven_jar(artifact, group, version), timeout=60) as source, part.open("wb") as file:
                shutil.copyfileobj(source, file)
        except OSError as error:
            sys.exit(f"{coordinates} cannot be downloaded from Maven Central ({error}): connect this machine to the network, or copy the folder {folder} from one that is.")
        found = hashlib.sha256(part.read_bytes()).hexdigest()
        if found != digest:
            sys.exit(f"{coordinates}: the download has the SHA-256 {found}, not that of {sys.argv[1]}: try again.")
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
  version=$("$java" -version 2>&1) || fail "${ENGINE^} needs Java 17, and $java does not start: install it (Debian, Ubuntu: apt install openjdk-17-jre-headless), or set JAVA_HOME."
  [[ $version =~ \"([0-9]+) && ${BASH_REMATCH[1]} -ge 11 ]] || fail "${ENGINE^} needs Java 11 or newer (17 is tested), but $java is ${version%%$'\n'*}: install it (Debian, Ubuntu: apt install openjdk-17-jre-headless), or set JAVA_HOME."
}

find_python() {
  python=$project/.venv/bin/python
  [[ -x $python ]] || fail "The workers need this project's environment: run make setup."
}

is_open() { # PORT
  (exec 3<>"/dev/tcp/localhost/$1") 2>/dev/null
}

number_at() { # PORT PATH NAME: a number in the JSON that a process shows
  { exec 3<>"/dev/tcp/localhost/$1" && printf 'GET %s HTTP/1.0\r\n\r\n' "$2" >&3 && grep -oE "\"$3\" ?: ?[0-9]+" <&3 | grep -o '[0-9]*$'; } 2>/dev/null
}

launch() { # NAME COMMAND...
  local name=$1
  shift
  CLUSTER_DIR=$DIR setsid "$@" </dev/null >"$DIR/$name.log" 2>&1 &
  echo $! >"$DIR/$name.pid"
}

# Jobs of minutes: one compiler and one collector of memory are enough, and take half the time of the usual ones.
readonly JAVA_OPTIONS=(-XX:+UseSerialGC -XX:TieredStopAtLevel=1)

run_java() { # NAME MEGABYTES OPTIONS... CLASS ARGUMENTS...
  local name=$1 heap=$2 package opens=()
  shift 2
  for package in sun.net.util java.{lang,net,io,nio,text,time,util} java.lang.{invoke,reflect} java.util.concurrent{,.atomic,.locks} sun.nio.{ch,cs} sun.util.calendar; do
    opens+=("--add-opens=java.base/$package=ALL-UNNAMED")
  done
  launch "$name" "$java" "-Xmx${heap}m" "${JAVA_OPTIONS[@]}" "${opens[@]}" "$@"
}

run_job_server() { # CLASS OPTIONS...
  run_java job-server 512 -cp "$classpath" "$@" --job-port "$JOB_PORT" --artifact-port $((JOB_PORT + 1)) --expansion-port 0 \
    --artifacts-dir "$DIR/tmp/artifacts"
}

start() {
  local name port deadline=$((SECONDS + START_SECONDS))
  for name in "${PROCESSES[@]}"; do
    [[ -z $(pid_of "$name") ]] || fail "The cluster of $DIR is running: $SCRIPT status shows it, $SCRIPT stop ends it."
  done
  for port in "${PORTS[@]}"; do
    ! is_open "$port" || fail "Another process listens on port $port: choose others with ${ENGINE^^}_PORT or WORKER_PORT."
  done
  find_java
  find_python
  classpath=$("$python" -c "$BRING" "$LIST" "$JARS")
  mkdir -p "$DIR/conf" "$DIR/tmp"
  prepare
  launch_all
  launch workers "$project/.venv/bin/tfx-vae" beam-worker --listen "localhost:$WORKER_PORT"
  until is_ready && is_open "$JOB_PORT" && is_open "$WORKER_PORT"; do
    for name in "${PROCESSES[@]}"; do
      [[ -n $(pid_of "$name") ]] || { stop; fail "$name ended: $DIR/$name.log says why."; }
    done
    ((SECONDS < deadline)) || { stop; fail "The cluster has not started in $START_SECONDS seconds: see the logs in $DIR."; }
    sleep 0.5
  done
  echo "${ENGINE^} runs: $(greeting), logs in $DIR. A pipeline uses it with"
  echo "    --set runtime.beam.runner=$ENGINE --set runtime.beam.job_server=localhost:$JOB_PORT --set runtime.beam.workers=localhost:$WORKER_PORT"
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

main() {
  case ${1:-} in
    start | stop | status) "$1" ;;
    *) fail "Usage: $SCRIPT start|stop|status" ;;
  esac
}
