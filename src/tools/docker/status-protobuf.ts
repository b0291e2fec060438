// Reads the protobuf form of BuildKit's account, which the Docker Engine sends: `moby.buildkit.v1.StatusResponse`.
import type { Status } from "./status.ts";

type Field = { number: number; bytes: Uint8Array } | { number: number; value: number };

/** @throws RangeError for bytes that are no such message. */
export function readStatus(bytes: Uint8Array): Status {
  const status: Status = { vertexes: [], logs: [] };
  for (const field of fieldsOf(bytes)) {
    if (!("bytes" in field)) continue;
    // Field numbers of buildkit/api/services/control/control.proto.
    if (field.number === 1) status.vertexes.push(readVertex(field.bytes));
    if (field.number === 3) status.logs.push(readLog(field.bytes));
  }
  return status;
}

function readVertex(bytes: Uint8Array): Status["vertexes"][number] {
  const vertex = { digest: "", name: "", started: false, completed: false, cached: false, error: "" };
  for (const field of fieldsOf(bytes)) {
    if (!("bytes" in field)) {
      if (field.number === 4) vertex.cached = field.value !== 0;
    } else if (field.number === 1) vertex.digest = textOf(field.bytes);
    else if (field.number === 3) vertex.name = textOf(field.bytes);
    else if (field.number === 5) vertex.started = true;
    else if (field.number === 6) vertex.completed = true;
    else if (field.number === 7) vertex.error = textOf(field.bytes);
  }
  return vertex;
}

function readLog(bytes: Uint8Array): Status["logs"][number] {
  const log: Status["logs"][number] = { vertex: "", data: new Uint8Array() };
  for (const field of fieldsOf(bytes)) {
    if (!("bytes" in field)) continue;
    if (field.number === 1) log.vertex = textOf(field.bytes);
    if (field.number === 4) log.data = field.bytes;
  }
  return log;
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

/** The fields of one message, by the wire format of protocol buffers. */
function* fieldsOf(bytes: Uint8Array): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let [value, scale] = [0, 1];
    for (;;) {
      const byte = bytes[at++];
      if (byte === undefined) throw new RangeError("a number is cut off");
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
  };
  const take = (length: number): Uint8Array => {
    if (at + length > bytes.length) throw new RangeError("a field is cut off");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = varint();
    const number = Math.floor(key / 8);
    const kind = key % 8;
    if (kind === 0) yield { number, value: varint() };
    else if (kind === 2) yield { number, bytes: take(varint()) };
    else if (kind === 1) take(8);
    else if (kind === 5) take(4);
    else throw new RangeError(`a field of the unknown kind ${kind}`);
  }
}
