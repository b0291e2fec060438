# What all engines need of the machine: packages, programs compiled once, background processes, mounts.

say() { printf 'testbed: %s\n' "$*" >&2; }
give_up() { say "$*"; exit 1; }

only_on_debian_as_root() {
  [ -f /etc/debian_version ] || give_up "needs Debian (its engines come from apt and Go modules)"
  [ "$(id -u)" -eq 0 ] || give_up "needs root: it mounts, makes network interfaces and runs container engines"
  mkdir -p "$bin" "$state/log"
}

# One command at a time; what is started must not inherit the lock, or it would hold it for good.
alone() {
  exec 9>>"$home/lock"
  flock -n 9 && return
  say "waiting for another testbed command in $home"
  flock -w 2400 9 || give_up "another testbed command has held $home/lock for 40 minutes"
}

# Process ids, sockets and addresses of an earlier boot mean nothing: somebody else may have the ids now.
settle_boot() {
  local boot; boot=$(cat /proc/sys/kernel/random/boot_id)
  [ "$(cat "$state/boot" 2>/dev/null)" = "$boot" ] && return
  if [ -f "$state/boot" ]; then
    say "the machine was started anew: forgetting what ran before"
    rm -rf "$state"/*.pid "$state/docker/exec" "$state/kubernetes/containerd-state" "$state/kubernetes/ipam"
  fi
  echo "$boot" >"$state/boot"
}

quietly() { # quietly WHAT COMMAND...: output goes to a log; of a failure its end is shown
  local what=$1 log; log=$state/log/$(tr -cs 'a-zA-Z0-9\n' - <<<"$1").log; shift
  "$@" >"$log" 2>&1 9>&- || { tail -n 8 "$log" >&2; give_up "failed: $what (all of it: $log)"; }
}

persistently() { # persistently WHAT COMMAND...: what asks the network may fail twice
  local try
  for try in 1 2; do
    (quietly "$@") 2>/dev/null && return
    say "once more: $1"; sleep $((try * 5))
  done
  quietly "$@"
}

need() { # need COMMAND PACKAGE...: installs Debian packages unless COMMAND is there
  command -v "$1" >/dev/null || packages "${@:2}"
}

packages() {
  local missing=() package
  for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null)" = 'ii ' ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  say "installing ${missing[*]}"
  # Package lists that are old name files that mirrors no longer have.
  find /var/lib/apt/lists -name '*Packages*' -mtime -1 2>/dev/null | grep -q . || persistently "apt-get update" apt-get update -q
  DEBIAN_FRONTEND=noninteractive persistently "apt-get install ${missing[*]}" \
    apt-get install -qy --no-install-recommends "${missing[@]}"
}

need_go() {
  command -v go >/dev/null || give_up "needs Go on PATH, the version in $here/kubernetes/go.mod or later"
}

compiled() { # compiled FOLDER COMMAND...: compiles once for each content of FOLDER
  local folder=$here/$1 mark; mark=$bin/.$1-$(cat "$here/$1"/* | sha256sum | cut -c1-16); shift
  [ -f "$mark" ] && return
  need_go
  say "compiling ${folder##*/} from Go modules (minutes, once)"
  (cd "$folder" && persistently "compile ${folder##*/}" "$@")
  touch "$mark"
}

version_of() { awk -v name="$1" '$1 == name {print $3}' "$here/versions"; }
source_of() { awk -v name="$1" '$1 == name {print $2}' "$here/versions"; }

go_program() { # go_program NAME: a program of the table `versions`, from its Go module
  local version mark; version=$(version_of "$1"); mark=$bin/.$1-$version
  [ -f "$mark" ] && [ -x "$bin/$1" ] && return
  need_go
  say "compiling $1 $version from Go modules (once)"
  GOBIN=$bin CGO_ENABLED=0 persistently "compile $1" go install -trimpath -ldflags '-s -w' "$(source_of "$1")@$version"
  touch "$mark"
}

# --- Processes. Each carries its name and its testbed in its environment, and so do its children.

running() { # running NAME: its pid file names a process that is still that one
  local pid; pid=$(cat "$state/$1.pid" 2>/dev/null) && grep -qsz "^TESTBED_PROCESS=$1$" "/proc/$pid/environ"
}

start() { # start NAME COMMAND...: runs it in the background unless it already does
  local name=$1; shift
  running "$name" && return
  end_strays "$name"
  TESTBED_PROCESS=$name TESTBED_STATE=$state nohup setsid "$@" >"$state/log/$name.log" 2>&1 </dev/null 9>&- &
  echo $! >"$state/$name.pid"
  # A process carries its name only once it is the program: until then it would be taken for one that ended.
  for _ in $(seq 100); do ! running "$name" && kill -0 $! 2>/dev/null || break; sleep 0.05; done
}

stop() { # stop NAME: asks it to end, insists after 10 s
  if running "$1"; then
    local pid; pid=$(cat "$state/$1.pid")
    kill "$pid" 2>/dev/null || true
    for _ in $(seq 100); do running "$1" || break; sleep 0.1; done
    ! running "$1" || kill -9 "$pid" 2>/dev/null || true
  fi
  rm -f "$state/$1.pid"
}

end_strays() { # end_strays [NAME]: ends what processes of this testbed left running, such as shims of a killed engine
  local file pid
  for file in /proc/[0-9]*/environ; do
    grep -qsz "^TESTBED_STATE=$state$" "$file" || continue
    [ $# -eq 0 ] || grep -qsz "^TESTBED_PROCESS=$1$" "$file" || continue
    pid=${file#/proc/}; pid=${pid%/environ}
    kill -9 "$pid" $(cat "/proc/$pid/task/$pid/children" 2>/dev/null) 2>/dev/null || true   # a shim's container as well
  done
}

until_ok() { # until_ok SECONDS NAME WHAT COMMAND...: waits for WHAT, which process NAME brings
  local end=$((SECONDS + $1)) name=$2 what=$3 said=; shift 3
  until "$@" >/dev/null 2>&1 9>&-; do
    if ! running "$name" || [ $SECONDS -ge $end ]; then
      tail -n 8 "$state/log/$name.log" >&2
      running "$name" && give_up "$what did not come up in time (log: $state/log/$name.log)"
      give_up "$what: $name ended (log: $state/log/$name.log)"
    fi
    [ -n "$said" ] || { said=yes; say "waiting for $what"; }
    sleep 0.3
  done
}

# --- Folders

mounted_below() { awk -v at="$1/" 'index($5 "/", at) == 1 {print $5}' /proc/self/mountinfo | sort -r; }

unmount_below() {
  local mount
  mounted_below "$1" | while read -r mount; do umount -l "$mount" 2>/dev/null || true; done
}

remove_folder() { # removes a folder and never what is mounted in it
  [ -e "$1" ] || return 0
  unmount_below "$1"
  [ -z "$(mounted_below "$1")" ] || give_up "something is still mounted below $1"
  rm -rf --one-file-system "$1"
}

debian_root() { # debian_root FOLDER SUITE OPTION...: a small Debian in a fresh folder
  remove_folder "$1"
  debootstrap --variant=minbase "${@:3}" "$2" "$1"
}
