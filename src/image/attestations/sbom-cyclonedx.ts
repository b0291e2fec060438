// CycloneDX 1.6: what one platform's image is made of, the model with its metrics included.
import type { Platform } from "../../config/image-keys.ts";
import type { Digest } from "../../digest.ts";
import { showName } from "../../validation/show.ts";
import type { ImageFacts } from "./attest.ts";
import { epoch, partsOf, uuidOf } from "./parts.ts";
import { hexOf } from "./statement.ts";

const property = (name: string, value: string) => ({ name: `mlship:${name}`, value });
const sha256 = (content: string) => ({ alg: "SHA-256", content });

/** A bill of materials that follows from the lock: nothing was searched for, nothing is guessed. */
export function makeCycloneDx(facts: ImageFacts, platform: Platform, manifest: Digest): object {
  const { image, base, distributions } = partsOf(facts, platform, manifest);
  const libraries = distributions.map(({ name, version, purl, sha256: hashes }) => ({
    type: "library",
    "bom-ref": purl,
    name,
    version,
    purl,
    hashes: hashes.map(sha256),
  }));
  const container = {
    type: "container",
    "bom-ref": base.purl,
    name: base.reference,
    version: base.digest,
    purl: base.purl,
  };
  const components = [container, ...libraries, server(facts), model(facts)];
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: `urn:uuid:${uuidOf(`cyclonedx ${manifest}`)}`,
    version: 1,
    metadata: {
      timestamp: epoch,
      tools: { components: [{ type: "application", name: "mlship", version: facts.tool }] },
      component: {
        type: "container",
        "bom-ref": image.purl,
        name: image.name,
        version: image.version,
        purl: image.purl,
        properties: [property("manifest", manifest), property("platform", platform)],
      },
    },
    components,
    dependencies: [{ ref: image.purl, dependsOn: components.map((one) => one["bom-ref"]) }],
    // What the base image holds is said by whoever made it.
    compositions: [{ aggregate: "unknown", assemblies: [base.purl] }],
  };
}

function server({ tool, lock }: ImageFacts) {
  return {
    type: "application",
    "bom-ref": "mlship-server",
    name: "mlship-server",
    version: tool,
    properties: [property("server:digest", lock.inputs.server)],
  };
}

function model({ image, report }: ImageFacts) {
  const { format, digest, files, libraries, inputs } = report.model;
  const metrics = report.metrics.flatMap(({ name, average, value }) =>
    value === null ? [] : [{ type: showName({ name, average }), value: String(value) }],
  );
  return {
    type: "machine-learning-model",
    "bom-ref": "model",
    name: image.name,
    version: image.version,
    components: files.map(({ path, sha256: hash }) => ({
      type: "file",
      "bom-ref": `model/${path}`,
      name: path,
      hashes: [sha256(hexOf(hash))],
    })),
    modelCard: {
      modelParameters: {
        task: report.task,
        inputs: inputs.map(({ name, type }) => ({ format: `${name}: ${type}` })),
        datasets: [
          {
            type: "dataset",
            name: "labelled rows",
            contents: { properties: [property("digest", report.dataset.digest)] },
          },
        ],
      },
      quantitativeAnalysis: { performanceMetrics: metrics },
    },
    properties: [
      property("model:digest", digest),
      property("model:format", format),
      ...Object.entries(libraries).map(([name, version]) => property(`model:library:${name}`, version)),
      property("report:digest", report.digest),
      property("report:verdict", report.verdict),
    ],
  };
}
