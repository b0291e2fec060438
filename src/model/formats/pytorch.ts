// PyTorch's files: TorchScript, programs of torch.export, and weights (state_dict or safetensors) for a handler.
import { looksLikeSafetensors, readSafetensors } from "./safetensors.ts";
import { Instance } from "../pickle/values.ts";
import { torchData, torchScript } from "../pickle/torch.ts";
import { walkPickle } from "../pickle/walk.ts";
import { noFacts, quote, type Facts, type Finding, type Reading } from "../reading.ts";
import { openArchive, type Archive } from "../torch/archive.ts";
import { readProgram } from "../torch/program.ts";
import { definitionsIn, judgeScript } from "../torch/script.ts";
import type { AllowList } from "../pickle/allow-list.ts";
import type { PickleWalk } from "../pickle/walk.ts";
import type { ByteSource } from "../bytes.ts";
import type { Input } from "./input.ts";

/** Bytes of one member that is read as a whole: pickles, code and graphs, never weights. */
const largestPart = 512 * 2 ** 20;
const facts: Facts = { ...noFacts, libraries: { torch: null } };

/** Reads a file of PyTorch without loading it. @throws Unreadable when it is damaged. */
export function readPytorch({ source, file, trust }: Input): Reading {
  if (looksLikeSafetensors(source)) {
    readSafetensors(source);
    const lacks = "a safetensors file: weights without the class that they belong to";
    return { facts, findings: [], globals: new Map(), lacks };
  }
  return new Reader(file, trust).read(openArchive(source));
}

class Reader {
  readonly #file: string;
  readonly #trust: readonly string[];
  readonly #findings: Finding[] = [];
  readonly #globals = new Map<string, number>();

  constructor(file: string, trust: readonly string[]) {
    this.#file = file;
    this.#trust = trust;
  }

  read(archive: Archive): Reading {
    this.#strangers(archive, "");
    const extra = this.#readers[archive.kind](archive);
    return { facts, findings: this.#findings, globals: this.#globals, ...extra };
  }

  readonly #readers = {
    script: (archive: Archive) => this.#script(archive),
    program: (archive: Archive) => this.#program(archive),
    weights: (archive: Archive) => this.#weights(archive),
  };

  #weights(archive: Archive): Partial<Reading> {
    this.#pickles(archive, "", torchData);
    return { lacks: "a PyTorch checkpoint: weights without the class that they belong to" };
  }

  #script(archive: Archive): Partial<Reading> {
    const root = this.#pickles(archive, "", torchScript);
    const sources = archive.of("code").map((name) => ({ name, code: this.#text(archive, name) }));
    const defined = new Set(sources.flatMap(({ code }) => definitionsIn(code)));
    for (const { name, code } of sources) {
      for (const { rule, name: reached, offset } of judgeScript(code, defined)) {
        this.#saw(reached);
        if (rule !== "custom-operator" || !this.#trust.includes(reached))
          this.#report(name, rule, `its code uses ${quote(reached)}`, reached, offset);
      }
    }
    const of = root?.root instanceof Instance ? root.root.of.replace(/^__torch__\./, "") : null;
    return { facts: { ...facts, estimator: of } };
  }

  #program(archive: Archive): Partial<Reading> {
    const programs = archive.of("program").map((name) => {
      const program = readProgram(archive.read(name, largestPart), quote(name));
      for (const { rule, name: reached } of program.faults) {
        this.#saw(reached);
        if (rule !== "custom-operator" || !this.#trust.includes(reached))
          this.#report(name, rule, `its graph holds ${quote(reached)}`, reached, null);
      }
      return program;
    });
    // Weights that are no plain tensors, and the inputs that the model was traced with, are archives of their own.
    for (const name of archive.of("nested")) {
      const nested = openArchive(archive.open(name, largestPart));
      this.#strangers(nested, `${name}!`);
      this.#pickles(nested, `${name}!`, torchData);
    }
    const [only] = programs;
    const [featureCount, torch] =
      programs.length === 1 ? [only?.width ?? null, only?.version ?? null] : [null, null];
    return {
      facts: { ...facts, estimator: "torch.export.ExportedProgram", featureCount, libraries: { torch } },
    };
  }

  /** Members that no loader of ours asks for: nobody has looked into them. */
  #strangers(archive: Archive, prefix: string): void {
    for (const name of archive.of("unknown"))
      this.#report(
        `${prefix}${name}`,
        "unknown-member",
        `its member ${quote(name)} may be compiled code`,
        null,
        null,
      );
  }

  /** Walks every pickle of an archive; gives the one that is the model's own. */
  #pickles(archive: Archive, prefix: string, allow: AllowList): PickleWalk | undefined {
    const walks = archive.of("pickle").map((name) => {
      const bytes: ByteSource = archive.open(name, largestPart);
      const walk = walkPickle(bytes, `${this.#file}!${prefix}${name}`, this.#trust, allow);
      this.#findings.push(...walk.findings);
      for (const [reached, count] of walk.globals) this.#saw(reached, count);
      return { name, walk };
    });
    return walks.find(({ name }) => name.endsWith("/data.pkl"))?.walk;
  }

  #text(archive: Archive, name: string): string {
    return archive.read(name, largestPart).toString("utf8");
  }

  #saw(name: string, count = 1): void {
    this.#globals.set(name, (this.#globals.get(name) ?? 0) + count);
  }

  #report(member: string, rule: string, message: string, global: string | null, offset: number | null): void {
    if (this.#findings.length < 200)
      this.#findings.push({ file: `${this.#file}!${member}`, offset, global, rule, message });
  }
}
