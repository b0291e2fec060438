// No header of one connection passes, no header that describes the message is lost.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { requestHeaders, responseHeaders } from "../../../../src/targets/local/headers.ts";

test("what Connection names is dropped, in any case and in several lines", () => {
  const raw = [
    "Connection",
    "close, X-One",
    "CONNECTION",
    "x-two",
    "x-one",
    "1",
    "X-TWO",
    "2",
    "X-Three",
    "3",
  ];
  expect(requestHeaders(raw)).toEqual(["X-Three", "3"]);
});

test("Connection cannot take away the host or what describes the body", () => {
  const raw = ["Host", "a", "Content-Type", "text/csv", "Connection", "host, content-type, content-encoding"];
  expect(requestHeaders(raw)).toEqual(["Host", "a", "Content-Type", "text/csv"]);
});

test("repeated headers stay repeated and in order", () => {
  const raw = ["Set-Cookie", "a=1", "X", "y", "Set-Cookie", "b=2"];
  expect(responseHeaders(raw)).toEqual(raw);
});

test("a server cannot speak as the gateway", () => {
  expect(responseHeaders(["X-Mlship-Version", "9", "x-mlship-fallback", "1", "Content-Length", "3"])).toEqual(
    ["Content-Length", "3"],
  );
});

test("whatever comes, nothing of the connection passes and nothing is made up", () => {
  const name = fc.constantFrom(
    "Connection",
    "TE",
    "Transfer-Encoding",
    "Upgrade",
    "Keep-Alive",
    "A",
    "B",
    "Host",
  );
  const value = fc.constantFrom("a", "b, te", "close", "1");
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), (pairs) => {
      const passed = requestHeaders(pairs.flat());
      const named = new Set(pairs.filter(([key]) => key === "Connection").flatMap(([, v]) => v.split(", ")));
      const kept = pairs.filter(
        ([key]) => ["A", "B", "Host"].includes(key) && (key === "Host" || !named.has(key.toLowerCase())),
      );
      expect(passed).toEqual(kept.flat());
    }),
  );
});
