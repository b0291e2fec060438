# Programs that judge what mlship writes: hadolint, Checkov, kubeconform, kube-score, cosign, Grype, Chromium.

judges_prepare() {
  go_program kubeconform
  go_program kube-score
  python_judges
  cosign_prepare
  # 64 MB; the font, since without one text has no width.
  need chromium-headless-shell chromium-headless-shell fonts-dejavu-core
  # Not on PATH: no test may meet a scanner that it did not ask for.
  mkdir -p "$home/grype"
  compiled grype env CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$home/grype/" . github.com/anchore/grype/cmd/grype
}

judges_up() { judges_prepare; } # nothing of them runs in the background

python_judges() { # from PyPI, in an environment of their own
  local requirements=$here/judges/requirements.txt folder=$home/judges mark name
  mark=$folder/.ready-$(sha256sum <"$requirements" | cut -c1-16)
  if [ ! -f "$mark" ]; then
    python3 -c 'import venv, ensurepip' 2>/dev/null || packages python3-venv
    say "installing hadolint and Checkov from PyPI (half a minute, once)"
    rm -rf "$folder"
    quietly "make the judges' environment" python3 -m venv "$folder"
    persistently "install hadolint and Checkov" "$folder/bin/pip" install -q --no-deps -r "$requirements"
    touch "$mark"
  fi
  for name in hadolint checkov; do ln -sf "$folder/bin/$name" "$bin/$name"; done
}

cosign_prepare() { # Debian trixie's, out of the Docker root
  local mark; mark=$bin/.cosign-$(version_of cosign)
  [ -f "$mark" ] && [ -x "$bin/cosign" ] && return
  docker_prepare
  say "installing cosign $(version_of cosign) (once)"
  in_docker_root "cosign=$(version_of cosign)*"
  install "$rootfs/usr/bin/cosign" "$bin/cosign"
  quietly "run cosign" "$bin/cosign" version
  touch "$mark"
}
