// SPDX 2.3: what one platform's image is made of.
import type { Platform } from "../../config/image-keys.ts";
import type { Digest } from "../../digest.ts";
import type { ImageFacts } from "./attest.ts";
import { epoch, partsOf, uuidOf } from "./parts.ts";
import { hexOf } from "./statement.ts";

/** A package of SPDX, as far as it differs from one to the next. */
interface Package {
  SPDXID: string;
  name: string;
  versionInfo: string;
  primaryPackagePurpose: string;
  purl?: string;
  sha256?: string[];
  comment?: string;
}

/** A bill of materials that follows from the lock. What it does not say of licences is NOASSERTION. */
export function makeSpdx(facts: ImageFacts, platform: Platform, manifest: Digest): object {
  const { image, base, distributions } = partsOf(facts, platform, manifest);
  const root: Package = {
    SPDXID: "SPDXRef-image",
    name: image.name,
    versionInfo: image.version,
    primaryPackagePurpose: "CONTAINER",
    purl: image.purl,
    comment: `manifest ${manifest} for ${platform}`,
  };
  const below: Package = {
    SPDXID: "SPDXRef-base",
    name: base.reference,
    versionInfo: base.digest,
    primaryPackagePurpose: "CONTAINER",
    purl: base.purl,
  };
  const libraries = distributions.map(({ name, version, purl, sha256 }, at): Package => ({
    SPDXID: `SPDXRef-python-${at + 1}`,
    name,
    versionInfo: version,
    primaryPackagePurpose: "LIBRARY",
    purl,
    sha256,
    ...(sha256.length > 1 ? { comment: "each checksum is of one file that the lock lets be installed" } : {}),
  }));
  const server: Package = {
    SPDXID: "SPDXRef-server",
    name: "mlship-server",
    versionInfo: facts.tool,
    primaryPackagePurpose: "APPLICATION",
    comment: `source and requirements ${facts.lock.inputs.server}`,
  };
  const [model, ...files] = modelPackages(facts);
  const contained = [...libraries, server, model];
  const relate = (from: string, type: string, to: string) => ({
    spdxElementId: from,
    relationshipType: type,
    relatedSpdxElement: to,
  });
  return {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: `${image.name}-${image.version}`,
    documentNamespace: `urn:uuid:${uuidOf(`spdx ${manifest}`)}`,
    creationInfo: { created: epoch, creators: [`Tool: mlship-${facts.tool}`] },
    packages: [root, below, ...contained, ...files].map(packageOf),
    relationships: [
      relate("SPDXRef-DOCUMENT", "DESCRIBES", root.SPDXID),
      relate(root.SPDXID, "DESCENDANT_OF", below.SPDXID),
      ...contained.map(({ SPDXID }) => relate(root.SPDXID, "CONTAINS", SPDXID)),
      ...files.map(({ SPDXID }) => relate(model.SPDXID, "CONTAINS", SPDXID)),
    ],
  };
}

/** The model, and each of its files as a package: a file of SPDX 2.3 needs a SHA-1. */
function modelPackages({ image, report }: ImageFacts): [Package, ...Package[]] {
  const { digest, format, files } = report.model;
  const model: Package = {
    SPDXID: "SPDXRef-model",
    name: `${image.name} model`,
    versionInfo: image.version,
    primaryPackagePurpose: "OTHER",
    comment: `${format} model ${digest}, judged by report ${report.digest}: ${report.verdict}`,
  };
  const parts = files.map(({ path, sha256 }, at): Package => ({
    SPDXID: `SPDXRef-model-file-${at + 1}`,
    name: path,
    versionInfo: image.version,
    primaryPackagePurpose: "FILE",
    sha256: [hexOf(sha256)],
  }));
  return [model, ...parts];
}

function packageOf({
  SPDXID,
  name,
  versionInfo,
  primaryPackagePurpose,
  purl,
  sha256,
  comment,
}: Package): object {
  const locator = { referenceCategory: "PACKAGE-MANAGER", referenceType: "purl", referenceLocator: purl };
  return {
    SPDXID,
    name,
    versionInfo,
    primaryPackagePurpose,
    downloadLocation: "NOASSERTION",
    filesAnalyzed: false,
    licenseConcluded: "NOASSERTION",
    licenseDeclared: "NOASSERTION",
    copyrightText: "NOASSERTION",
    ...(sha256 === undefined
      ? {}
      : { checksums: sha256.map((checksumValue) => ({ algorithm: "SHA256", checksumValue })) }),
    ...(purl === undefined ? {} : { externalRefs: [locator] }),
    ...(comment === undefined ? {} : { comment }),
  };
}
