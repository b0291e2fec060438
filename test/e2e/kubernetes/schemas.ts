// JSON schemas of Kubernetes kinds for kubeconform, made from what the API server itself publishes.
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";

type Schema = Record<string, unknown>;

/** Definitions of extensions of the API: module of the Go proxy, version, file in it. */
const extensions = [
  ["sigs.k8s.io/gateway-api", "v1.6.1", "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml"],
  [
    "github.com/prometheus-operator/prometheus-operator",
    "v0.85.0",
    "example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
  ],
] as const;

/** Absolute paths of the definitions of HTTPRoute and PodMonitor, at their pinned versions. */
export function extensionFiles(): string[] {
  return extensions.map(([module, version, file]) => {
    const told = execFileSync("go", ["mod", "download", "-json", `${module}@${version}`], {
      encoding: "utf8",
    });
    const { Dir: folder } = JSON.parse(told) as { Dir: string };
    return path.join(folder, file);
  });
}

/**
 * Writes a strict schema per kind into the folder, as kubeconform looks them up: an unknown field is
 * an error wherever the fields are known.
 * @returns the value of `-schema-location`
 */
export function writeSchemas(folder: string, kinds: readonly string[]): string {
  const published = execFileSync("kubectl", ["get", "--raw", "/openapi/v2"], { maxBuffer: 1 << 26 });
  const { definitions } = JSON.parse(published.toString()) as { definitions: Record<string, Schema> };
  mkdirSync(folder, { recursive: true });
  const strict = Object.fromEntries(Object.entries(definitions).map(([name, one]) => [name, closed(one)]));
  for (const [name, definition] of Object.entries(definitions)) {
    const meant = definition["x-kubernetes-group-version-kind"] as { kind: string; version: string }[];
    const [kind] = meant?.length === 1 ? meant : [];
    if (kind === undefined || !kinds.includes(kind.kind)) continue;
    const schema = { $ref: `#/definitions/${name}`, definitions: strict };
    writeFileSync(
      path.join(folder, `${kind.kind.toLowerCase()}-${kind.version}.json`),
      JSON.stringify(schema),
    );
  }
  return path.join(folder, "{{ .ResourceKind }}-{{ .ResourceAPIVersion }}.json");
}

/** The schema without leave for fields that it does not name. */
function closed(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(closed);
  if (typeof schema !== "object" || schema === null) return schema;
  const inner = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closed(value)]));
  if (inner["x-kubernetes-int-or-string"] === true || inner["format"] === "int-or-string") {
    return { type: ["string", "integer"] };
  }
  if (inner["type"] === "object" && "properties" in schema && !("additionalProperties" in schema)) {
    if (inner["x-kubernetes-preserve-unknown-fields"] !== true) {
      return { ...inner, additionalProperties: false };
    }
  }
  return inner;
}
