// Everything that is said about a built image: bills of materials, provenance, and how its model was judged.
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { canonicalJson, digestBytes } from "../../digest.ts";
import { MlshipError } from "../../errors.ts";
import type { Report } from "../../validation/report.ts";
import type { BuiltImage } from "../built.ts";
import type { Lock } from "../lock/lock.ts";
import type { BuildPlan } from "../plan/plan.ts";
import { makeBundle } from "./bundle.ts";
import type { Signer } from "./dsse.ts";
import { makeProvenance } from "./provenance.ts";
import { makeCycloneDx } from "./sbom-cyclonedx.ts";
import { makeSpdx } from "./sbom-spdx.ts";
import { makeStatement, predicateTypes, type Statement, type Subject } from "./statement.ts";
import { makeTestResult } from "./test-result.ts";

/** What the statements follow from. Equal facts give equal statements: no time is in them. */
export interface ImageFacts {
  image: Pick<BuiltImage, "name" | "version" | "digest" | "images" | "evidence">;
  plan: BuildPlan;
  lock: Lock;
  report: Report;
  /** Version of mlship. */
  tool: string;
}

/** A file for the image's folder, and how the record of the build names it. */
export interface Attestation {
  record: BuiltImage["attestations"][number];
  bytes: Uint8Array;
}

/**
 * Says what is to be said about an image: its validation and provenance once, its bills of materials
 * per platform; signed when there is a signer. Signatures differ from run to run, so an image keeps
 * what it was given when it was built.
 * @throws MlshipError `image.other-evidence`, exit 7, when lock, report or plan are not the image's.
 */
export function attest(facts: ImageFacts, signer: Signer | null): Attestation[] {
  checkEvidence(facts);
  const { image } = facts;
  const whole: Subject = { name: image.name, digest: image.digest };
  const each = image.images.map(({ manifest }) => ({ name: image.name, digest: manifest }));
  const others = each.filter(({ digest }) => digest !== image.digest);
  const say = (file: string, statement: Statement) => ({ file, statement });
  const perPlatform = image.images.flatMap(({ platform, manifest }) => {
    const subject: [Subject] = [{ name: image.name, digest: manifest }];
    const suffix = platform.replace("/", "-");
    return [
      say(
        `cyclonedx-${suffix}`,
        makeStatement(predicateTypes.cyclonedx, subject, makeCycloneDx(facts, platform, manifest)),
      ),
      say(`spdx-${suffix}`, makeStatement(predicateTypes.spdx, subject, makeSpdx(facts, platform, manifest))),
    ];
  });
  const said = [
    ...perPlatform,
    say(
      "test-result",
      makeStatement(predicateTypes.testResult, [whole, ...others], makeTestResult(facts.report)),
    ),
    say("provenance", makeStatement(predicateTypes.provenance, [whole, ...others], makeProvenance(facts))),
  ];
  const order = (one: (typeof said)[number]) => `${one.statement.predicateType} ${one.file}`;
  return said
    .toSorted((a, b) => (order(a) < order(b) ? -1 : 1))
    .map(({ file, statement }) => {
      const plain = Buffer.from(canonicalJson(statement));
      const bytes = signer === null ? plain : Buffer.from(JSON.stringify(makeBundle(plain, signer)));
      const name = `attestations/${file}${signer === null ? ".intoto.json" : ".sigstore.json"}`;
      const { predicateType } = statement;
      return {
        record: { predicateType, file: name, digest: digestBytes(bytes), signed: signer !== null },
        bytes,
      };
    });
}

/**
 * Writes the files below an image's folder, each whole, beside those that are there: a record that
 * names the ones before stays true until the next one is written.
 * @param folder the image's own folder, which gets the folder `attestations`
 */
export async function writeAttestations(folder: string, attestations: readonly Attestation[]): Promise<void> {
  await mkdir(path.join(folder, "attestations"), { recursive: true });
  for (const { record, bytes } of attestations) {
    const file = path.join(folder, "attestations", path.basename(record.file));
    await writeFile(`${file}.part`, bytes);
    await rename(`${file}.part`, file);
  }
}

/** Removes the files that a record no longer names. */
export async function dropAttestations(
  folder: string,
  named: readonly Pick<Attestation["record"], "file">[],
): Promise<void> {
  const kept = new Set(named.map(({ file }) => path.basename(file)));
  for (const name of await readdir(path.join(folder, "attestations"))) {
    if (!kept.has(name)) await rm(path.join(folder, "attestations", name), { force: true });
  }
}

/** What is signed must be true of this image and of no other. */
function checkEvidence({ image, plan, report }: ImageFacts): void {
  const differs = [
    image.evidence.report !== report.digest && "the report",
    image.evidence.model !== report.model.digest && "the model",
    canonicalJson(image.evidence) !== canonicalJson(plan.evidence) && "the plan",
  ].filter((name) => name !== false);
  if (differs.length === 0) return;
  throw new MlshipError({
    code: "image.other-evidence",
    what: `${differs.join(" and ")} at hand ${differs.length === 1 ? "is" : "are"} not what the image was built from`,
    fix: "run mlship build again",
    exit: "attention",
  });
}
