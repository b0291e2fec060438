# A registry with base images that stand in for Docker's `python:3.11-slim`:
#   library/python:3.11-slim         amd64
#   library/python:3.11-slim-multi   an index of amd64 and arm64, for builds across platforms
#   library/haproxy:3.2-alpine       the router, see router.sh

registry_prepare() {
  docker_prepare
  need docker-registry docker-registry
  need curl curl
  for architecture in amd64 arm64; do base_prepare "$architecture"; done
  router_prepare
}

registry_up() {
  registry_prepare
  docker_up
  mkdir -p "$state/registry"
  printf 'version: 0.1\nstorage: {filesystem: {rootdirectory: %s/registry/data}, delete: {enabled: true}}\nhttp: {addr: "%s"}\n' \
    "$state" "$registry" >"$state/registry/config.yml"
  start registry docker-registry serve "$state/registry/config.yml"
  until_ok 10 registry "the registry" curl -sf "http://$registry/v2/"
  for architecture in amd64 arm64; do base_up "$architecture"; done
  index_up
  router_up
}

# What the official slim images leave out as well: manuals, translations, package lists.
left_out=(./proc/\* ./sys/\* ./dev/\* ./debootstrap ./usr/share/doc/\* ./usr/share/man/\* ./usr/share/locale/\* ./usr/share/info/\*
  ./var/cache/\* ./var/lib/apt/lists/\* ./var/log/\*)

base_file() { echo "$home/python-base-$1-$({ declare -f base_prepare; echo "${left_out[@]}"; } | sha256sum | cut -c1-12).tar"; }

base_prepare() { # base_prepare ARCHITECTURE
  local file root=$home/python-base-$1; file=$(base_file "$1")
  [ -f "$file" ] && return
  need debootstrap debootstrap
  say "making the Python base image for $1 (a minute, once)"
  rm -f "$home/python-base-$1"*.tar "$file.part"
  local options=(--include=ca-certificates,python3,python3-pip,python3-venv --arch="$1")
  if [ "$1" = "$(dpkg --print-architecture)" ]; then
    persistently "debootstrap for $1" debian_root "$root" bookworm "${options[@]}"
  else
    # Nothing of another architecture runs here: its packages are unpacked and not configured.
    persistently "debootstrap for $1" debian_root "$root" bookworm --foreign "${options[@]}"
    quietly "unpack for $1" find "$root/var/cache/apt/archives" -name '*.deb' -exec sh -c \
      'for deb; do dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$0"; done' "$root" {} +
  fi
  cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
  ln -sf python3 "$root/usr/bin/python"
  tar -C "$root" --sort=name --mtime=@0 --numeric-owner "${left_out[@]/#/--exclude=}" -cf "$file.part" .
  mv "$file.part" "$file"
  remove_folder "$root"
}

base_tag() { [ "$1" = amd64 ] && echo 3.11-slim || echo "3.11-slim-$1"; }

base_up() { # base_up ARCHITECTURE: puts the base into the registry unless this very one is there
  local file tag mark; file=$(base_file "$1"); tag=$(base_tag "$1"); mark=$state/registry/$(basename "$file")
  [ -f "$mark" ] && manifest "$tag" >/dev/null && return
  local name=$registry/library/python:$tag
  docker_here import --platform "linux/$1" -c 'CMD ["python3"]' "$file" "$name" >/dev/null
  quietly "push $name" docker_here push -q "$name"
  docker_here image rm "$name" >/dev/null
  rm -f "$state/registry/python-base-$1"*.tar "$state/registry/index"; touch "$mark"
}

docker_here() { docker -H "unix://$state/docker/docker.sock" "$@"; }

media_type=application/vnd.docker.distribution.manifest.v2+json
manifest() { curl -sf -H "Accept: $media_type" "http://$registry/v2/library/python/manifests/$1"; }

index_up() { # the index, written by hand: Docker's own command for it wants another image store
  local mark=$state/registry/index
  [ -f "$mark" ] && return
  local architecture bytes entries=()
  for architecture in amd64 arm64; do
    bytes=$(mktemp); manifest "$(base_tag "$architecture")" >"$bytes"
    entries+=("{\"mediaType\":\"$media_type\",\"digest\":\"sha256:$(sha256sum <"$bytes" | cut -d' ' -f1)\",\"size\":$(stat -c %s "$bytes"),\"platform\":{\"os\":\"linux\",\"architecture\":\"$architecture\"}}")
    rm "$bytes"
  done
  local type=application/vnd.oci.image.index.v1+json
  quietly "put the index" curl -sSf -X PUT -H "Content-Type: $type" "http://$registry/v2/library/python/manifests/3.11-slim-multi" \
    --data-binary "{\"schemaVersion\":2,\"mediaType\":\"$type\",\"manifests\":[${entries[0]},${entries[1]}]}"
  touch "$mark"
}
