// Builds protobuf messages and zip archives byte by byte, also ones that no library would write.
import { crc32 } from "node:zlib";

/** A length-delimited field. */
export function field(number: number, content: string | Uint8Array): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

/** A varint field. */
export const count = (number: number, value: number): Buffer =>
  Buffer.concat([varint(number * 8), varint(value)]);

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return Buffer.from([...bytes, rest]);
}

/** An ONNX model around these fields of its graph; a float input X [N, 2] and output Y [N, 1] included. */
export function onnxModel(graph: Buffer[], ...more: Buffer[]): Buffer {
  const tensor = (name: string, width: number): Buffer => {
    const shape = Buffer.concat([field(1, field(2, "N")), field(1, count(1, width))]);
    return Buffer.concat([field(1, name), field(2, field(1, Buffer.concat([count(1, 1), field(2, shape)])))]);
  };
  return Buffer.concat([
    count(1, 8),
    field(2, "test"),
    field(7, Buffer.concat([...graph, field(11, tensor("X", 2)), field(12, tensor("Y", 1))])),
    field(8, count(2, 17)),
    field(8, Buffer.concat([field(1, "ai.onnx.ml"), count(2, 3)])),
    ...more,
  ]);
}

/** A node of an operator. */
export const node = (operator: string, domain = "", ...attributes: Buffer[]): Buffer =>
  field(
    1,
    Buffer.concat([
      field(4, operator),
      field(7, domain),
      ...attributes.map((attribute) => field(5, attribute)),
    ]),
  );

/** A tensor whose weights are said to lie in another file. */
export const externalTensor = (location: string, more: Record<string, string> = {}): Buffer =>
  Buffer.concat([
    field(8, "w"),
    count(14, 1),
    ...Object.entries({ location, ...more }).map(([key, value]) =>
      field(13, Buffer.concat([field(1, key), field(2, value)])),
    ),
  ]);

interface ZipMember {
  name: string;
  data: Buffer;
  /** Name in the member's own header, where it differs from the directory. */
  localName?: string;
  flags?: number;
  crc?: number;
}

/** A zip of stored members. */
export function zipOf(members: ZipMember[], { before = "", after = "" } = {}): Buffer {
  const start = Buffer.from(before);
  const locals: Buffer[] = [start];
  const centrals: Buffer[] = [];
  let offset = start.length;
  for (const { name, data, localName = name, flags = 0, crc = crc32(data) } of members) {
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(flags, 2);
    common.writeUInt32LE(crc, 10);
    common.writeUInt32LE(data.length, 14);
    common.writeUInt32LE(data.length, 18);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    const central = Buffer.concat([Buffer.from("PK\x01\x02\x14\0"), common, Buffer.alloc(14)]);
    central.writeUInt32LE(offset, 42);
    centrals.push(central, Buffer.from(name));
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, Buffer.from(localName), data]);
    locals.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(centrals);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06");
  end.writeUInt16LE(members.length, 8);
  end.writeUInt16LE(members.length, 10);
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, directory, end, Buffer.from(after)]);
}
