# Docker: Debian trixie's engine, in its own root so that any Debian can run it.

rootfs=$home/docker-root

docker_prepare() {
  need debootstrap debootstrap
  need iptables iptables
  if [ ! -f "$rootfs/.ready" ]; then
    say "installing Docker into $rootfs (a minute, once)"
    persistently "debootstrap trixie" debian_root "$rootfs" trixie --include=ca-certificates
    cp /etc/ssl/certs/ca-certificates.crt "$rootfs/etc/ssl/certs/"
    in_docker_root docker.io docker-cli docker-buildx iptables
    chroot "$rootfs" update-alternatives --set iptables /usr/sbin/iptables-legacy >/dev/null
    touch "$rootfs/.ready"
  fi
  [ -x "$bin/docker-buildx" ] || install -D "$rootfs/usr/libexec/docker/cli-plugins/docker-buildx" "$bin/docker-buildx"
  command -v docker >/dev/null || install "$rootfs/usr/bin/docker" "$bin/docker"
}

in_docker_root() { # in_docker_root PACKAGE...: Debian packages of trixie
  cp /etc/resolv.conf "$rootfs/etc/"
  persistently "apt-get update in the Docker root" chroot "$rootfs" apt-get update -q
  DEBIAN_FRONTEND=noninteractive persistently "install $* in the Docker root" \
    chroot "$rootfs" apt-get install -qy --no-install-recommends "$@"
}

docker_up() {
  docker_prepare
  update-alternatives --set iptables /usr/sbin/iptables-legacy >/dev/null   # the same tables as the engine's
  mkdir -p "$state/docker" "$rootfs/$state/docker"
  mountpoint -q "$rootfs" || mount --bind "$rootfs" "$rootfs"               # the engine remounts "/", so it must be a mount
  mountpoint -q "$rootfs/proc" || mount -t proc proc "$rootfs/proc"
  for d in sys dev; do mountpoint -q "$rootfs/$d" || { mount --rbind "/$d" "$rootfs/$d"; mount --make-rslave "$rootfs/$d"; }; done
  mountpoint -q "$rootfs/$state/docker" || mount --bind "$state/docker" "$rootfs/$state/docker"
  local plugin=$HOME/.docker/cli-plugins/docker-buildx
  mkdir -p "${plugin%/*}"; [ -e "$plugin" ] || ln -sf "$bin/docker-buildx" "$plugin"
  # An engine whose bridge or rules somebody removed starts no container that has a network.
  ! running docker || (ip link show docker0 && iptables -t nat -nL DOCKER) >/dev/null 2>&1 || {
    say "Docker's network is gone: starting Docker anew"; stop docker
  }
  running docker || rm -f "$state/docker/dockerd.pid"                       # a killed engine leaves it behind
  start docker chroot "$rootfs" dockerd --data-root "$state/docker/data" --exec-root "$state/docker/exec" \
    -H "unix://$state/docker/docker.sock" --pidfile "$state/docker/dockerd.pid"
  until_ok 40 docker Docker docker -H "unix://$state/docker/docker.sock" version
}

docker_down() {
  stop docker
  [ "$(readlink "$HOME/.docker/cli-plugins/docker-buildx" 2>/dev/null)" != "$bin/docker-buildx" ] || rm "$HOME/.docker/cli-plugins/docker-buildx"
  ! ip link show docker0 >/dev/null 2>&1 || ip link delete docker0
  forget_rules 'DOCKER|docker0|172\.17\.'
  iptables -P FORWARD ACCEPT 2>/dev/null || true
}

forget_rules() { # forget_rules PATTERN: takes an engine's chains and rules out of the packet filter
  command -v iptables-save >/dev/null || return 0
  iptables-save | grep -vE "$1" | iptables-restore || say "iptables rules of $1 stay"
}
