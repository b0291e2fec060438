// Rules of Trivy, Dockle and the CIS benchmark for Dockerfiles that no tool here runs; each is shown to find what it is about.
import { describe, expect, test } from "vitest";
import { renderExample } from "./dockerfile-example.ts";
import { readInstructions, type Instruction } from "./dockerfile-reader.ts";

interface Rule {
  ids: string;
  what: string;
  holds: (file: Instruction[]) => boolean;
  /** Lines at the end of the file with each of which it holds no more. */
  broken: string[];
}

const all = (file: Instruction[], name: string) =>
  file.filter((instruction) => instruction.name === name).map(({ args }) => args);
const last = (file: Instruction[], name: string) => all(file, name).at(-1) ?? "";
const aliasOf = (from: string) => / AS (\S+)$/.exec(from)?.[1] ?? "";
const imageOf = (from: string) => from.replace(/^--platform=\S+ /, "").replace(/ AS .*$/, "");
const words = (args: string) => args.split(/\s+/).filter((word) => !word.startsWith("--"));

/** The stage that each instruction belongs to. */
function staged(file: Instruction[]): { stage: string; instruction: Instruction }[] {
  let stage = "";
  return file.map((instruction) => {
    if (instruction.name === "FROM") stage = aliasOf(instruction.args);
    return { stage, instruction };
  });
}

const rules: Rule[] = [
  {
    ids: "CIS-DI-0001, DS-0002",
    what: "the user is numeric and not root",
    holds: (file) => /^[1-9]\d{4,}:[1-9]\d{4,}$/.test(last(file, "USER")),
    broken: ["USER root", "USER 0:0", "USER app"],
  },
  {
    ids: "DS-0001, DKL-DI-0006",
    what: "every base is held by its digest",
    holds: (file) => {
      const stages = new Set(all(file, "FROM").map(aliasOf));
      return all(file, "FROM").every(
        (from) => stages.has(imageOf(from)) || /@sha256:[0-9a-f]{64}$/.test(imageOf(from)),
      );
    },
    broken: ["FROM python", "FROM python:latest AS late"],
  },
  {
    ids: "CIS-DI-0006, DS-0026",
    what: "there is a health check without a shell, with a start period",
    holds: (file) => /--start-period=\d+s +CMD \["python3",/.test(last(file, "HEALTHCHECK")),
    broken: ["HEALTHCHECK NONE", "HEALTHCHECK CMD curl localhost"],
  },
  {
    ids: "DS-0007, DS-0016, DS-0023",
    what: "one entry point, one health check, at most one command, without a shell",
    holds: (file) =>
      all(file, "ENTRYPOINT").length === 1 &&
      all(file, "HEALTHCHECK").length === 1 &&
      all(file, "CMD").length <= 1 &&
      [...all(file, "ENTRYPOINT"), ...all(file, "CMD")].every((args) => args.startsWith("[")),
    broken: ['ENTRYPOINT ["sh"]', 'HEALTHCHECK CMD ["true"]', 'CMD ["a"]\nCMD ["b"]', "CMD python3"],
  },
  {
    ids: "CIS-DI-0009, DS-0005",
    what: "files are copied, never added",
    holds: (file) => all(file, "ADD").length === 0,
    broken: ["ADD https://example.org/a.tar.gz /a"],
  },
  {
    ids: "DS-0004, DS-0008",
    what: "ports are between 1024 and 65535",
    holds: (file) => all(file, "EXPOSE").every((port) => Number(port) >= 1024 && Number(port) <= 65_535),
    broken: ["EXPOSE 22", "EXPOSE 65536", "EXPOSE 22/tcp"],
  },
  {
    ids: "DS-0006",
    what: "no stage copies from itself",
    holds: (file) =>
      staged(file).every(
        ({ stage, instruction }) =>
          instruction.name !== "COPY" || !instruction.args.includes(`--from=${stage} `),
      ),
    broken: ["COPY --from=runtime /a /b"],
  },
  {
    ids: "DS-0009",
    what: "working folders are absolute",
    holds: (file) => all(file, "WORKDIR").every((folder) => folder.startsWith("/")),
    broken: ["WORKDIR app"],
  },
  {
    ids: "DS-0011",
    what: "several files are copied into a folder",
    holds: (file) => all(file, "COPY").every((args) => words(args).length === 2 || args.endsWith("/")),
    broken: ["COPY a b /c"],
  },
  {
    ids: "DS-0012",
    what: "stages have names of their own",
    holds: (file) => {
      const names = all(file, "FROM").map(aliasOf);
      return new Set(names).size === names.length;
    },
    broken: [`FROM python@sha256:${"b".repeat(64)} AS builder`],
  },
  {
    ids: "DS-0010, DS-0013 to DS-0015, DS-0017, DS-0019 to DS-0021, DS-0024, DS-0025, DS-0029, DKL-DI-0001 to DKL-DI-0005, CIS-DI-0003, CIS-DI-0004, CIS-DI-0007, CIS-DI-0008",
    what: "what runs is Python without a shell: no package manager, no sudo, no cd, no download, no setuid",
    holds: (file) =>
      all(file, "RUN").every((run) =>
        /^(--mount=\S+ +)+\["python3", "\/build\/\w+\.py"(, "[\w/]+")+\]$/.test(run),
      ),
    broken: [
      "RUN sudo id",
      "RUN cd /a && make",
      "RUN apt-get update",
      "RUN apt-get dist-upgrade",
      "RUN apk add curl",
      "RUN wget a && curl b",
      "RUN chmod u+s /bin/x",
      'RUN ["sh", "-c", "id"]',
    ],
  },
  {
    ids: "DS-0022",
    what: "nobody is named as MAINTAINER",
    holds: (file) => all(file, "MAINTAINER").length === 0,
    broken: ["MAINTAINER somebody"],
  },
  {
    ids: "DS-0031, CIS-DI-0010",
    what: "no variable, argument or label is named like a secret, and no index is in any",
    holds: (file) =>
      !/token|passw|secret|api_?key|credential|_index/i.test(
        [...all(file, "ENV"), ...all(file, "ARG"), ...all(file, "LABEL")].join(" "),
      ),
    broken: ['ENV API_TOKEN="x"', "ARG PASSWORD", 'ENV UV_DEFAULT_INDEX="https://u:p@example.org/"'],
  },
];

describe.each([true, false])("with the model in the image: %s", (baked) => {
  const text = renderExample({ baked });

  test.each(rules)("$ids: $what", ({ holds, broken }) => {
    expect(holds(readInstructions(text))).toBe(true);
    for (const line of broken)
      expect([line, holds(readInstructions(`${text}${line}\n`))]).toEqual([line, false]);
  });
});
