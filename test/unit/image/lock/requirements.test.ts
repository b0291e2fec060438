import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MlshipError } from "../../../../src/errors.ts";
import { keepGivenHashes, readRequirements, withoutHashes } from "../../../../src/image/lock/requirements.ts";

const one = "1".repeat(64);
const two = "2".repeat(64);

function refusal(text: string): MlshipError {
  try {
    readRequirements(text, "requirements.txt");
  } catch (error) {
    if (error instanceof MlshipError) return error;
    throw error;
  }
  throw new Error(`nothing was refused in ${JSON.stringify(text)}`);
}

describe("requirements.txt", () => {
  it("gives named packages, sorted, once each, without comments", () => {
    const text =
      "# all\nScikit-Learn>=1.2 , <2  # why\r\nnumpy\n\nnumpy\nuvicorn[standard] ; python_version < '3.12'\n";
    expect(readRequirements(text, "r")).toEqual([
      "Scikit-Learn>=1.2 , <2",
      "numpy",
      "uvicorn[standard] ; python_version < '3.12'",
    ]);
  });

  it("joins continued lines and keeps the hashes behind them, sorted", () => {
    const text = `numpy==2.1.0 \\\n    --hash=sha256:${two} \\\n    --hash=sha256:${one}\n    # via x\nsix\n`;
    const lines = readRequirements(text, "r");
    expect(lines).toEqual([`numpy==2.1.0 --hash=sha256:${one} --hash=sha256:${two}`, "six"]);
    expect(lines.map(withoutHashes)).toEqual(["numpy==2.1.0", "six"]);
  });

  it.each([
    "--index-url https://ada:s3cret@pkgs.example/simple",
    "--extra-index-url=https://ada:s3cret@pkgs.example",
    "-i https://ada:s3cret@pkgs.example",
    "-r s3cret.txt",
    "-c s3cret.txt",
    "-e ./s3cret",
    "--editable=git+https://s3cret",
    "--find-links s3cret",
    "git+https://ada:s3cret@git.example/x.git",
    "git+ssh://s3cret/x.git#egg=x",
    "https://ada:s3cret@files.example/x-1-py3-none-any.whl",
    "x @ https://ada:s3cret@files.example/x.whl",
    "x@file:///s3cret",
    "x[a] @ git+https://s3cret",
    "./s3cret/x",
    "/s3cret/x.whl",
    "../s3cret",
    "~/s3cret",
    "s3cret.whl",
    "folder/s3cret.tar.gz",
    "x --global-option=s3cret",
    "x --hash=md5:s3cret",
    "x\u0007",
    "x\u202es3cret",
  ])("refuses %j with its line number, and repeats no secret", (line) => {
    const error = refusal(`numpy\n\n${line}\n`);
    expect(error).toMatchObject({ code: "python.bad-requirement", exit: "usage" });
    expect(error.problems).toEqual([
      expect.objectContaining({ at: { file: "requirements.txt", line: 3 }, fix: expect.any(String) }),
    ]);
    expect(JSON.stringify(error.problems)).not.toContain("s3cret");
  });

  it("names every line that is wrong", () => {
    const error = refusal("-e .\nnumpy\nhttps://x/y\n!\n");
    expect(error.problems.map(({ at }) => at?.line)).toEqual([1, 3, 4]);
  });

  it("never lets an option, a place or a control character through", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        let lines: string[] = [];
        try {
          lines = readRequirements(text, "r");
        } catch (error) {
          expect(error).toMatchObject({ code: "python.bad-requirement" });
        }
        // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
        for (const line of lines) expect(line).toMatch(/^[A-Za-z0-9][^\u0000-\u001f]*$/);
        expect(readRequirements(lines.join("\n"), "r")).toEqual(lines);
      }),
    );
  });
});

describe("hashes that the user gave", () => {
  const pins = [
    { name: "numpy", version: "2.1.0", sha256: [one, two] },
    { name: "six", version: "1.16.0", sha256: [one] },
  ];

  it("leave only the files that they name", () => {
    expect(keepGivenHashes(pins, [`NumPy==2.1.0 --hash=sha256:${two}`, "six"], "linux/amd64")).toEqual([
      { name: "numpy", version: "2.1.0", sha256: [two] },
      pins[1],
    ]);
  });

  it("stop when none of them is that of a file", () => {
    const given = [`six==1.16.0 --hash=sha256:${two}`];
    expect(() => keepGivenHashes(pins, given, "linux/amd64")).toThrowError(
      expect.objectContaining({
        code: "lock.hash-mismatch",
        exit: "usage",
        what: expect.stringContaining("six 1.16.0"),
      }),
    );
  });
});
