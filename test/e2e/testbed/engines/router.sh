# The router's image, which stands in for Docker's `haproxy:3.2-alpine`: Debian's HAProxy and the libraries it needs,
# nothing else. Part of the registry: library/haproxy:3.2-alpine.

router_file() { echo "$home/haproxy-$(declare -f router_make | sha256sum | cut -c1-12).tar"; }

router_prepare() {
  [ -f "$(router_file)" ] && return
  need debootstrap debootstrap
  say "making the router's image (a minute, once)"
  router_make "$(router_file)"
}

router_make() { # router_make FILE
  local root=$home/haproxy-root tree=$home/haproxy-tree library
  rm -f "$home"/haproxy-*.tar "$1.part"
  persistently "debootstrap for the router" debian_root "$root" trixie --include=haproxy
  rm -rf "$tree"; mkdir -p "$tree"/{usr/sbin,usr/local/etc/haproxy,etc,tmp}
  install "$root/usr/sbin/haproxy" "$tree/usr/sbin/"
  chroot "$root" ldd /usr/sbin/haproxy | grep -o '/[^ ]*' | while read -r library; do
    install -D "$root$library" "$tree$library"
  done
  echo 'haproxy:x:99:99:haproxy:/tmp:/usr/sbin/nologin' >"$tree/etc/passwd"
  echo 'haproxy:x:99:' >"$tree/etc/group"
  tar -C "$tree" --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -cf "$1.part" .
  mv "$1.part" "$1"
  rm -rf "$tree"; remove_folder "$root"
}

router_up() { # puts it into the registry unless this very one is there
  local file mark name=$registry/library/haproxy:3.2-alpine; file=$(router_file); mark=$state/registry/$(basename "$file")
  [ -f "$mark" ] && curl -sf -H "Accept: $media_type" "http://$registry/v2/library/haproxy/manifests/3.2-alpine" >/dev/null && return
  docker_here import --platform linux/amd64 -c 'USER haproxy' -c 'STOPSIGNAL SIGUSR1' \
    -c 'CMD ["haproxy", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]' "$file" "$name" >/dev/null
  quietly "push $name" docker_here push -q "$name"
  docker_here image rm "$name" >/dev/null
  rm -f "$state/registry"/haproxy-*.tar; touch "$mark"
}
