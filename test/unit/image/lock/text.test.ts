import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatLock, parseLock, requirementsText, withDigest } from "../../../../src/image/lock/text.ts";
import { anyLock, exampleLock } from "./example.ts";

const text = formatLock(exampleLock());

describe("the text of a lock", () => {
  it("reads back as the same lock with the same digest", () => {
    fc.assert(
      fc.property(anyLock, (lock) => {
        const read = parseLock(formatLock(lock));
        expect(read).toEqual(withDigest(lock));
        expect(formatLock(read.lock)).toBe(formatLock(lock));
      }),
    );
  });

  it("is the same whatever order the members were made in", () => {
    const backwards = (value: unknown): unknown =>
      typeof value !== "object" || value === null || Array.isArray(value)
        ? value
        : Object.fromEntries(
            Object.entries(value)
              .toReversed()
              .map(([key, member]) => [key, backwards(member)]),
          );
    const { lock } = parseLock(JSON.stringify(backwards(exampleLock())));
    expect(parseLock(formatLock(lock)).digest).toBe(withDigest(exampleLock()).digest);
    expect(formatLock(lock)).toBe(text);
  });

  it("has every hash on a line of its own", () => {
    const lines = text.split("\n").filter((line) => /[0-9a-f]{64}/.test(line));
    for (const line of lines) expect(line.match(/[0-9a-f]{64}/g)).toHaveLength(1);
  });
});

describe("reading", () => {
  it.each([
    ["lock.merge-conflict", `<<<<<<< HEAD\n${text}=======\n${text}>>>>>>> theirs\n`],
    ["lock.merge-conflict", text.replaceAll("\n", "\r\n").replace("{\r\n", "{\r\n=======\r\n")],
    ["lock.newer-schema", text.replace("lock/v1", "lock/v2")],
    ["lock.damaged", text.slice(0, 400)],
    ["lock.damaged", ""],
    ["lock.damaged", "[]"],
    ["lock.damaged", text.replace("mlship.lock/v1", "mlship.report/v1")],
    ["lock.damaged", text.replace('"version": "2.1.0"', '"version": "2.1.0 --index-url=x"')],
    ["lock.damaged", text.replace('"name": "numpy"', '"name": "numpy\\n-r x"')],
    ["lock.damaged", text.replace('"name": "numpy"', '"name": "scikit-learn"')],
    ["lock.damaged", text.replace(/"sha256": \[\n\s+"[0-9a-f]{64}"\n\s+\]/, '"sha256": []')],
    ["lock.damaged", text.replace('"linux/arm64": [\n      {', '"linux/riscv": [\n      {')],
    ["lock.damaged", text.replace('"python": "3.12"', '"python": "3.12; x"')],
  ])("refuses as %s what is damaged", (code, damaged) => {
    expect(damaged).not.toBe(text);
    expect(() => parseLock(damaged)).toThrowError(expect.objectContaining({ code, exit: "usage" }));
  });

  it("says in which line a conflict begins", () => {
    const lines = text.split("\n");
    const conflict = [...lines.slice(0, 4), "<<<<<<< HEAD", ...lines.slice(4)].join("\n");
    expect(() => parseLock(conflict)).toThrowError(
      expect.objectContaining({ at: { file: "mlship.lock", line: 5 } }),
    );
  });

  it("reads a truncated lock as none at every byte", () => {
    for (let end = 0; end < text.length - 2; end += 7)
      expect(() => parseLock(text.slice(0, end))).toThrow(/lock/);
  });
});

describe("requirements with hashes", () => {
  it("has each distribution of the platform with all of its files", () => {
    const lock = exampleLock();
    const [numpy] = lock.packages["linux/amd64"] ?? [];
    expect(requirementsText(lock, "linux/amd64").split("\n")[0]).toBe("numpy==2.1.0 \\");
    for (const hash of numpy?.sha256 ?? [])
      expect(requirementsText(lock, "linux/amd64")).toContain(`    --hash=sha256:${hash}`);
    expect(requirementsText(lock, "linux/arm64")).not.toContain(numpy?.sha256[0]);
  });

  it("lets installers build what has only its source", () => {
    const lock = exampleLock();
    const arm = lock.packages["linux/arm64"] ?? [];
    lock.packages["linux/arm64"] = arm.map((pin) => ({ ...pin, source: true }));
    expect(requirementsText(lock, "linux/arm64")).toMatch(
      /^--no-binary numpy\n--no-binary scikit-learn\nnumpy==/,
    );
    expect(requirementsText(lock, "linux/amd64")).toMatch(/^numpy==/);
  });
});
