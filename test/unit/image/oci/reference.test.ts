import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestBytes } from "../../../../src/digest.ts";
import { formatReference, parseReference } from "../../../../src/image/oci/reference.ts";

const digest = digestBytes("x");

describe("the name of an image", () => {
  it.each([
    ["python", "docker.io", "library/python", "latest", null],
    ["python:3.12-slim", "docker.io", "library/python", "3.12-slim", null],
    ["acme/fraud", "docker.io", "acme/fraud", "latest", null],
    ["docker.io/python:3.12", "docker.io", "library/python", "3.12", null],
    ["index.docker.io/acme/fraud", "docker.io", "acme/fraud", "latest", null],
    ["ghcr.io/acme/fraud:1.4.0", "ghcr.io", "acme/fraud", "1.4.0", null],
    ["localhost/fraud", "localhost", "fraud", "latest", null],
    ["localhost:5000/fraud", "localhost:5000", "fraud", "latest", null],
    ["127.0.0.1:5000/a/b/c:x", "127.0.0.1:5000", "a/b/c", "x", null],
    [`python@${digest}`, "docker.io", "library/python", null, digest],
    [`reg.example:443/a:1@${digest}`, "reg.example:443", "a", "1", digest],
  ])("%s is read as Docker reads it", (text, registry, repository, tag, sha256) => {
    expect(parseReference(text)).toEqual({ registry, repository, tag, digest: sha256 });
  });

  it.each([
    "",
    ":",
    "Python",
    "Acme/fraud",
    "a//b",
    "a/",
    "a:b:c",
    "a b",
    "a\n",
    "a:$(id)",
    "a@sha256:12",
    "a@md5:12",
    "ghcr.io:99999/a",
    "1.2.3.4.5/a",
    "../a",
    "a".repeat(501),
  ])("%j is refused", (text) => {
    expect(() => parseReference(text)).toThrow(
      expect.objectContaining({ code: "image.bad-reference", exit: "usage" }),
    );
  });

  it("in full parses to itself", () => {
    const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
    const host = fc.constantFrom("", "ghcr.io/", "localhost/", "127.0.0.1:5000/", "Registry.Example:81/");
    const tag = fc.constantFrom("", ":1.0.0", ":A_b-c.d");
    const at = fc.constantFrom("", `@${digest}`);
    fc.assert(
      fc.property(
        host,
        fc.array(word, { minLength: 1, maxLength: 3 }),
        tag,
        at,
        (start, words, name, end) => {
          const read = parseReference(`${start}${words.join("/")}${name}${end}`);
          expect(parseReference(formatReference(read))).toEqual(read);
        },
      ),
    );
  });

  it("is read or refused, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from("aA0:/@.-_ \n$sha256")) }), (text) => {
        try {
          const { registry, repository } = parseReference(text);
          expect(`${registry}/${repository}`).toMatch(/^[A-Za-z0-9.:-]+\/[a-z0-9._/-]+$/);
        } catch (error) {
          expect(error).toMatchObject({ code: "image.bad-reference" });
        }
      }),
    );
  });
});
