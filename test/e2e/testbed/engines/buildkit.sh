# BuildKit, current, behind `docker buildx --builder testbed`; and the runc that it shares with the cluster's node.

# By default BuildKit keeps what fits a tenth of the disk or 60 GB: it filled the machine after some runs of the tests.
kept=0,10000,8000 # MB: reserved, free at least, used at most
builder=$HOME/.docker/buildx/instances/testbed # where `docker buildx` keeps the name

buildkit_prepare() {
  docker_prepare
  runtime_prepare
  compiled buildkit env CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$bin/" \
    github.com/moby/buildkit/cmd/buildkitd github.com/moby/buildkit/cmd/buildctl
}

buildkit_up() {
  buildkit_prepare
  docker_up
  mkdir -p "$state/buildkit"
  start buildkit buildkitd --root "$state/buildkit/root" --addr "unix://$state/buildkit/buildkit.sock" \
    --oci-worker-binary "$bin/runc" --oci-worker-net host --oci-worker-gc-keepstorage "$kept"
  until_ok 20 buildkit BuildKit buildctl --addr "unix://$state/buildkit/buildkit.sock" debug workers
  grep -qs "$state/buildkit/buildkit.sock" "$builder" && return
  rm -f "$builder"
  quietly "name the builder" docker buildx create --name testbed --driver remote "unix://$state/buildkit/buildkit.sock"
}

buildkit_down() {
  stop buildkit
  ! grep -qs "$state/buildkit/buildkit.sock" "$builder" || rm "$builder"
}

runtime_prepare() { # containerd and runc
  packages gcc libc6-dev libseccomp-dev pkg-config
  compiled containerd sh -c "
    CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o '$bin/' github.com/containerd/containerd/v2/cmd/containerd \
      github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2 github.com/containerd/containerd/v2/cmd/ctr &&
    CGO_ENABLED=1 go build -tags seccomp -trimpath -ldflags '-s -w' -o '$bin/runc' github.com/opencontainers/runc"
}
