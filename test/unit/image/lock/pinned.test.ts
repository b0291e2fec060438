import { expect, it } from "vitest";
import { pinChanges } from "../../../../src/image/lock/pinned.ts";
import { pinsText } from "../../../../src/image/lock/text.ts";

const pin = (name: string, version: string, hash = "a") => ({ name, version, sha256: [hash.repeat(64)] });

it("tells what is new, gone, of another version, or of other files", () => {
  const before = pinsText([
    pin("joblib", "1.5.2"),
    pin("numpy", "2.1.0"),
    pin("scipy", "1.16.0"),
    pin("six", "1.17.0"),
  ]);
  const after = pinsText([
    pin("numpy", "2.2.1"),
    { ...pin("packaging", "25.0"), source: true },
    pin("scipy", "1.16.0", "b"),
    pin("six", "1.17.0"),
  ]);
  expect(pinChanges(before, after)).toEqual([
    { name: "joblib", from: "1.5.2", to: null },
    { name: "numpy", from: "2.1.0", to: "2.2.1" },
    { name: "packaging", from: null, to: "25.0" },
    { name: "scipy", from: "1.16.0 (aaaaaaaaaaaa)", to: "1.16.0 (bbbbbbbbbbbb)" },
  ]);
});

it("reads what uv writes: markers, comments, names in any spelling", () => {
  const text = `# made by uv\nScikit_Learn==1.7.2 ; python_version >= "3.10" \\\n    --hash=sha256:${"c".repeat(64)} \\\n    --hash=sha256:${"d".repeat(64)}\n    # via -r requirements.in\n`;
  expect(
    pinChanges(text, pinsText([{ name: "scikit-learn", version: "1.8.0", sha256: ["e".repeat(64)] }])),
  ).toEqual([{ name: "scikit-learn", from: "1.7.2", to: "1.8.0" }]);
  expect(pinChanges(text, text.replace("Scikit_Learn", "scikit-learn"))).toEqual([]);
});
