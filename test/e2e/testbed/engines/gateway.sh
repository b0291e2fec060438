# A Gateway: Traefik behind the Gateway API, as a process of the machine that watches the cluster. GatewayClass
# `testbed`; a Gateway with a listener on port 7080 is served at 127.0.0.1:7080, told apart by host names.

gateway_port=7080 ping_port=7081

gateway_prepare() {
  compiled traefik env CGO_ENABLED=0 nice -n 10 go build -trimpath -ldflags '-s -w' -o "$bin/traefik" \
    github.com/traefik/traefik/v3/cmd/traefik
  # The Gateway API's own objects come with the version of its module that Traefik is built with.
  local api version; version=$(awk '$1 == "sigs.k8s.io/gateway-api" {print $2}' "$here/traefik/go.mod"); api=$home/gateway-api-$version
  [ -d "$api" ] && return
  need_go
  rm -rf "$home"/gateway-api-*
  persistently "download the Gateway API" env -C "$here/traefik" go mod download sigs.k8s.io/gateway-api
  cp -r "$(env -C "$here/traefik" go list -m -f '{{.Dir}}' sigs.k8s.io/gateway-api)/config/crd/standard" "$api.part"
  chmod -R u+w "$api.part"
  mv "$api.part" "$api"
}

gateway_up() {
  gateway_prepare
  need curl curl
  cluster_up
  export KUBECONFIG=$state/pki/admin.conf
  quietly "install the Gateway API" kubectl apply --server-side -f "$(echo "$home"/gateway-api-*)"
  quietly "wait for the Gateway API" kubectl wait --for=condition=Established --timeout=30s \
    crd/gatewayclasses.gateway.networking.k8s.io crd/gateways.gateway.networking.k8s.io crd/httproutes.gateway.networking.k8s.io
  quietly "make the GatewayClass" kubectl apply --server-side -f - <<'YAML'
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: testbed}
spec: {controllerName: traefik.io/gateway-controller}
YAML
  start traefik traefik --global.checknewversion=false --global.sendanonymoususage=false --log.level=INFO \
    --entrypoints.web.address="127.0.0.1:$gateway_port" --entrypoints.ping.address="127.0.0.1:$ping_port" --ping.entrypoint=ping \
    --providers.kubernetesgateway --providers.kubernetesgateway.statusaddress.ip=127.0.0.1
  until_ok 20 traefik "the Gateway" curl -sf "http://127.0.0.1:$ping_port/ping"
}
