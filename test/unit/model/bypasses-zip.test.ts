// Zip archives that two unzippers would read differently.
// Every stream is inert: it is built here, opcode by opcode, and never loaded.
import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { bytesOf } from "../../../src/model/bytes.ts";
import { openZip } from "../../../src/model/zip.ts";
import { payload } from "./bypass.ts";
import { zipOf } from "./messages.ts";
import { pickle, proto } from "./pickles.ts";

describe("8: zips that unzippers read differently", () => {
  const data = pickle(proto(4), payload, ".");
  const whole = zipOf([
    { name: "a", data },
    { name: "b", data: Buffer.from("N.") },
  ]);
  const edited = (change: (zip: Buffer) => void): Buffer => {
    const copy = Buffer.from(whole);
    change(copy);
    return copy;
  };
  const end = whole.length - 22;
  const directory = whole.readUInt32LE(end + 16);
  const open = (zip: Buffer) => {
    const archive = openZip(bytesOf(zip));
    return archive.names.map((name) => archive.read(name, 10_000));
  };

  test("one that all read alike is read", () => {
    expect(open(whole)).toEqual([data, Buffer.from("N.")]);
  });

  const flags = [0x1, 0x10, 0x20, 0x40, 0x80, 0x1000, 0x2000, 0x4000, 0x8000];
  test.each<[string, Buffer]>([
    ...flags.map((flag): [string, Buffer] => [
      `flag 0x${flag.toString(16)}`,
      zipOf([{ name: "a", data, flags: flag }]),
    ]),
    ...flags.map((flag): [string, Buffer] => [
      `flag 0x${flag.toString(16)} in the directory alone`,
      edited((zip) => zip.writeUInt16LE(flag, directory + 8)),
    ]),
    ["sizes behind the data, and none there", zipOf([{ name: "a", data, flags: 0x8 }])],
    ["a wrong checksum", zipOf([{ name: "a", data, crc: 1 }])],
    ["another name in the member's header", zipOf([{ name: "a", localName: "b", data }])],
    ["another method in the directory", edited((zip) => zip.writeUInt16LE(8, directory + 10))],
    [
      "a method that nobody knows",
      edited((zip) => {
        zip.writeUInt16LE(99, directory + 10);
        zip.writeUInt16LE(99, 8);
      }),
    ],
    ["another size in the directory", edited((zip) => zip.writeUInt32LE(1, directory + 24))],
    ["another checksum in the directory", edited((zip) => zip.writeUInt32LE(1, directory + 16))],
    ["another time in the directory", edited((zip) => zip.writeUInt16LE(1, directory + 12))],
    ["another disk", edited((zip) => zip.writeUInt16LE(1, directory + 34))],
    ["a member that begins elsewhere", edited((zip) => zip.writeUInt32LE(1, directory + 42))],
    [
      "one member less in the directory",
      edited((zip) => {
        zip.writeUInt16LE(1, end + 8);
        zip.writeUInt16LE(1, end + 10);
      }),
    ],
    ["two counts", edited((zip) => zip.writeUInt16LE(1, end + 8))],
    ["a directory elsewhere", edited((zip) => zip.writeUInt32LE(directory - 1, end + 16))],
    ["a directory of another size", edited((zip) => zip.writeUInt32LE(1, end + 12))],
    ["a comment", edited((zip) => zip.writeUInt16LE(1, end + 20))],
    [
      "two members of one name",
      zipOf([
        { name: "a", data },
        { name: "a", data: Buffer.from("N.") },
      ]),
    ],
    [
      "two members that differ in case",
      zipOf([
        { name: "data.pkl", data },
        { name: "DATA.pkl", data: Buffer.from("N.") },
      ]),
    ],
    [
      "a folder and a file of one name",
      zipOf([
        { name: "a", data },
        { name: "a/", data: Buffer.alloc(0) },
      ]),
    ],
    ["a folder with data", zipOf([{ name: "a/", data }])],
    ["bytes before the first member", zipOf([{ name: "a", data }], { before: "#!/bin/sh\n" })],
    ["a pickle before the first member", zipOf([{ name: "a", data }], { before: data.toString("latin1") })],
    ["bytes behind the end", zipOf([{ name: "a", data }], { after: "\0" })],
    ["a second zip behind the end", Buffer.concat([whole, whole])],
    ...["../a", "/a", "a/../b", "a\\b", "a\0.txt", "./a", "a//b", ""].map((name): [string, Buffer] => [
      `the name ${JSON.stringify(name)}`,
      zipOf([{ name, data }]),
    ]),
    ["a name that is not ASCII and not marked so", zipOf([{ name: "é", data }])],
    ["nothing but an end that promises members", edited((zip) => zip.fill(0, 0, end))],
  ])("%s", (_name, zip) => {
    expect(() => open(zip)).toThrow(expect.objectContaining({ name: "Unreadable" }));
  });

  test("a member that unpacks to more than it says, or leaves bytes of its data unread", () => {
    const squeezed = (packed: Buffer, size: number): Buffer => {
      const zip = zipOf([{ name: "a", data: packed }]);
      const at = zip.readUInt32LE(zip.length - 22 + 16);
      zip.writeUInt16LE(8, 8);
      zip.writeUInt16LE(8, at + 10);
      zip.writeUInt32LE(size, 22);
      zip.writeUInt32LE(size, at + 24);
      return zip;
    };
    const packed = deflateRawSync(Buffer.alloc(1_000_000));
    expect(() => open(squeezed(packed, 10))).toThrow(/damaged/);
    expect(() => open(squeezed(packed, 1_000_000))).toThrow(/too large/);
    expect(() =>
      open(squeezed(Buffer.concat([deflateRawSync(Buffer.from("abc")), Buffer.from("N.")]), 3)),
    ).toThrow(/damaged/);
  });
});
