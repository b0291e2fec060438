# Kubernetes: every component of one real node; pods run for real. No cluster DNS.

node_ip=192.0.2.1 # a documentation address, on the loopback interface

cluster_prepare() {
  need iptables iptables; need conntrack conntrack; need openssl openssl; need ip iproute2
  packages containernetworking-plugins
  runtime_prepare
  kubernetes_prepare
}

kubernetes_prepare() {
  local v name; v=$(sed -n 's/^require k8s.io\/kubernetes \(v.*\)/\1/p; s/^\tk8s.io\/kubernetes \(v[^ ]*\).*/\1/p' "$here/kubernetes/go.mod" | head -1)
  local minor=${v#v1.}; minor=${minor%%.*}
  compiled kubernetes env CGO_ENABLED=0 go build -trimpath -o "$bin/kube" -ldflags "-s -w
    -X k8s.io/component-base/version.gitVersion=$v -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=$minor
    -X k8s.io/client-go/pkg/version.gitVersion=$v" .
  for name in etcd kubectl kubelet kube-apiserver kube-controller-manager kube-scheduler kube-proxy; do ln -sf kube "$bin/$name"; done
}

certificate() { # certificate NAME SUBJECT
  openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.csr" -subj "$2" 2>/dev/null
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -out "$1.crt" -days 365 -extfile <(
    echo "subjectAltName=DNS:localhost,DNS:testnode,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:$node_ip,IP:10.96.0.1") 2>/dev/null
}

kubeconfig() { # kubeconfig NAME
  kubectl config --kubeconfig="$1.conf" set-cluster testbed --server=https://127.0.0.1:6443 --certificate-authority=ca.crt --embed-certs >/dev/null
  kubectl config --kubeconfig="$1.conf" set-credentials "$1" --client-certificate="$1.crt" --client-key="$1.key" --embed-certs >/dev/null
  kubectl config --kubeconfig="$1.conf" set-context testbed --cluster=testbed --user="$1" >/dev/null
  kubectl config --kubeconfig="$1.conf" use-context testbed >/dev/null
}

pki() (
  mkdir -p "$state/pki"; cd "$state/pki"
  [ -f done ] && openssl x509 -noout -checkend 86400 -in apiserver.crt >/dev/null && return
  local name
  openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 365 -subj /CN=testbed 2>/dev/null
  certificate apiserver /CN=kube-apiserver
  certificate admin /O=system:masters/CN=admin
  certificate kubelet /O=system:nodes/CN=system:node:testnode
  certificate controllers /CN=system:kube-controller-manager
  certificate scheduler /CN=system:kube-scheduler
  certificate proxy /CN=system:kube-proxy
  openssl genrsa -out sa.key 2048 2>/dev/null; openssl rsa -in sa.key -pubout -out sa.pub 2>/dev/null
  for name in admin kubelet controllers scheduler proxy; do kubeconfig $name; done
  touch done
)

cluster_up() {
  cluster_prepare
  pki
  update-alternatives --set iptables /usr/sbin/iptables-legacy >/dev/null   # the same tables as Docker's
  ip addr replace "$node_ip/32" dev lo
  # Docker sets the FORWARD policy to DROP; pods must still reach each other and the registries.
  for way in -i -o; do iptables -C FORWARD $way testbed0 -j ACCEPT 2>/dev/null || iptables -I FORWARD $way testbed0 -j ACCEPT; done
  local k=$state/kubernetes; mkdir -p "$k/cni" "$k/certs.d/$registry"
  printf '[host."http://%s"]\n' "$registry" >"$k/certs.d/$registry/hosts.toml"
  cat >"$k/cni/10-bridge.conflist" <<CNI
{"cniVersion":"1.0.0","name":"testbed","plugins":[
 {"type":"bridge","bridge":"testbed0","isGateway":true,"ipMasq":true,"hairpinMode":true,
  "ipam":{"type":"host-local","ranges":[[{"subnet":"10.244.0.0/16"}]],"routes":[{"dst":"0.0.0.0/0"}],"dataDir":"$k/ipam"}},
 {"type":"portmap","capabilities":{"portMappings":true}}]}
CNI
  cat >"$k/containerd.toml" <<TOML
version = 3
root = "$k/containerd"
state = "$k/containerd-state"
[grpc]
  address = "$k/containerd.sock"
[plugins.'io.containerd.cri.v1.images']
  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = "localhost/pause:1"
  [plugins.'io.containerd.cri.v1.images'.registry]
    config_path = "$k/certs.d"
[plugins.'io.containerd.cri.v1.runtime']
  restrict_oom_score_adj = true
  [plugins.'io.containerd.cri.v1.runtime'.cni]
    bin_dirs = ["/usr/lib/cni"]
    conf_dir = "$k/cni"
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
      BinaryName = "$bin/runc"
TOML
  cat >"$k/kubelet.yaml" <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $state/pki/ca.crt}}
authorization: {mode: Webhook}
address: $node_ip
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
containerRuntimeEndpoint: unix://$k/containerd.sock
evictionHard: {memory.available: 50Mi, nodefs.available: 1%, imagefs.available: 1%, nodefs.inodesFree: 1%}
localStorageCapacityIsolation: false
maxPods: 100
YAML
  cat >"$k/proxy.yaml" <<YAML
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
clusterCIDR: 10.244.0.0/16
clientConnection: {kubeconfig: $state/pki/proxy.conf}
conntrack: {maxPerCore: 0}
YAML
  start containerd containerd -c "$k/containerd.toml"
  start etcd etcd --data-dir "$k/etcd" --unsafe-no-fsync --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
    --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 --initial-cluster default=http://127.0.0.1:2380
  local p=$state/pki
  start apiserver kube-apiserver --etcd-servers=http://127.0.0.1:2379 --bind-address=0.0.0.0 --advertise-address=$node_ip --secure-port=6443 \
    --kubelet-preferred-address-types=InternalIP --cert-dir="$k" --client-ca-file="$p/ca.crt" --tls-cert-file="$p/apiserver.crt" --tls-private-key-file="$p/apiserver.key" \
    --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$p/sa.pub" --service-account-signing-key-file="$p/sa.key" \
    --service-cluster-ip-range=10.96.0.0/16 --authorization-mode=Node,RBAC --kubelet-client-certificate="$p/admin.crt" --kubelet-client-key="$p/admin.key"
  export KUBECONFIG=$p/admin.conf
  until_ok 60 apiserver "the API server" kubectl get --raw /readyz
  start controllers kube-controller-manager --kubeconfig="$p/controllers.conf" --service-account-private-key-file="$p/sa.key" --root-ca-file="$p/ca.crt" \
    --use-service-account-credentials --leader-elect=false --bind-address=127.0.0.1 --cert-dir="$k"
  start scheduler kube-scheduler --kubeconfig="$p/scheduler.conf" --leader-elect=false --bind-address=127.0.0.1
  until_ok 20 containerd containerd ctr -a "$k/containerd.sock" version
  pause_image "$k/containerd.sock"
  start kubelet kubelet --config="$k/kubelet.yaml" --kubeconfig="$p/kubelet.conf" --root-dir="$k/kubelet" --hostname-override=testnode --node-ip=$node_ip
  start proxy kube-proxy --config="$k/proxy.yaml" --hostname-override=testnode
  until_ok 60 kubelet "the node" sh -c 'kubectl get node testnode -o jsonpath="{.status.conditions[?(@.type==\"Ready\")].status}" | grep -q True'
  until_ok 30 controllers "the default service account" kubectl get serviceaccount default
}

pause_image() { # the sandbox container that holds each pod's namespaces
  local ctr=(ctr -a "$1" -n k8s.io images)
  "${ctr[@]}" ls -q 2>/dev/null | grep -q '^localhost/pause:1$' && return
  local d; d=$(mktemp -d)
  printf '#include <signal.h>\n#include <unistd.h>\nstatic void stop(int s){(void)s;_exit(0);}\nint main(void){signal(SIGTERM,stop);signal(SIGINT,stop);for(;;)pause();}\n' >"$d/pause.c"
  (cd "$d" && mkdir root blobs blobs/sha256 2>/dev/null && gcc -static -Os -o root/pause pause.c
    tar -C root -cf layer.tar pause; layer=$(sha256sum layer.tar | cut -d' ' -f1)
    printf '{"architecture":"amd64","os":"linux","config":{"Entrypoint":["/pause"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' "$layer" >config; config=$(sha256sum config | cut -d' ' -f1)
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json","digest":"sha256:%s","size":%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar","digest":"sha256:%s","size":%s}]}' \
      "$config" "$(stat -c%s config)" "$layer" "$(stat -c%s layer.tar)" >manifest; manifest=$(sha256sum manifest | cut -d' ' -f1)
    mv layer.tar blobs/sha256/$layer; mv config blobs/sha256/$config; cp manifest blobs/sha256/$manifest
    printf '{"imageLayoutVersion":"1.0.0"}' >oci-layout
    printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:%s","size":%s,"annotations":{"io.containerd.image.name":"localhost/pause:1","org.opencontainers.image.ref.name":"1"}}]}' "$manifest" "$(stat -c%s manifest)" >index.json
    tar -cf image.tar oci-layout index.json blobs)
  quietly "import the pause image" "${ctr[@]}" import --local "$d/image.tar"
  rm -rf "$d"
}

cluster_down() {
  if running apiserver; then
    KUBECONFIG=$state/pki/admin.conf timeout 60 kubectl delete pods --all --all-namespaces --grace-period=0 --force >/dev/null 2>&1 || true
  fi
  stop proxy; stop kubelet
  if running containerd; then
    local c=(ctr -a "$state/kubernetes/containerd.sock" -n k8s.io) kind
    for kind in tasks containers; do
      "${c[@]}" "$kind" ls -q 2>/dev/null | xargs -r -n1 timeout 20 "${c[@]}" "$kind" rm $([ $kind = containers ] || echo -f) >/dev/null 2>&1 || true
    done
  fi
  for name in scheduler controllers apiserver etcd containerd; do stop "$name"; done
  command -v ip >/dev/null || return 0
  local netns
  for netns in $(ip netns list 2>/dev/null | grep -o '^cni-[^ ]*'); do ip netns delete "$netns" || true; done
  ! ip link show testbed0 >/dev/null 2>&1 || ip link delete testbed0
  ip addr del "$node_ip/32" dev lo 2>/dev/null || true
  rm -rf "$state/kubernetes/ipam"
  forget_rules 'KUBE-|CNI-|testbed0'
}
