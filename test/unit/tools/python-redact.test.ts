import * as fc from "fast-check";
import { expect, it } from "vitest";
import { redact } from "../../../src/tools/python/redact.ts";

it("calls an index by its variable and keeps what follows", () => {
  const env = { UV_DEFAULT_INDEX: "https://ada:s3cret@pkgs.example/t0ken/simple/" };
  expect(redact("Failed to fetch: `https://pkgs.example/t0ken/simple/numpy/`", env)).toBe(
    "Failed to fetch: `(UV_DEFAULT_INDEX)/numpy/`",
  );
});

it("takes out the credentials of a named index", () => {
  const env = { UV_INDEX: "corp=https://pkgs.example/a", UV_INDEX_CORP_PASSWORD: "hunter2" };
  expect(redact("hunter2 at https://pkgs.example/a/six", env)).toBe(
    "(UV_INDEX_CORP_PASSWORD) at (UV_INDEX)/six",
  );
});

it("keeps no user, password or query of any URL", () => {
  const word = fc.stringMatching(/^[a-z0-9]{6,12}$/);
  fc.assert(
    fc.property(word, word, word, (user, password, token) => {
      const told = redact(`got https://${user}:${password}@files.example/x.whl?sig=${token} (404)`, {});
      expect(told).toBe("got https://files.example/x.whl (404)");
    }),
  );
});
