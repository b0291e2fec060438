// JSON patches (RFC 6902): a list of operations on places of an object.
import jsonPatch, { JsonPatchError, type Operation } from "fast-json-patch";
import type { Config } from "../../config/config.ts";
import type { JsonObject } from "../manifest.ts";
import { PatchFault } from "./patch-fault.ts";

/** An operation as mlship.yaml has it: of any name, with any members. */
type Written = NonNullable<Config["deploy"]["patches"][number]["json"]>[number];

/**
 * Applies the operations in their order, all or none.
 * @throws PatchFault that names the operation and its path.
 */
export function applyJsonPatch(object: JsonObject, operations: readonly Written[]): JsonObject {
  let document = object;
  for (const [index, written] of operations.entries()) {
    const operation = operationOf(written);
    const says = `json[${index}], ${operation.op} ${JSON.stringify(operation.path)}`;
    const source = "from" in operation ? operation.from : operation.path;
    if (operation.op !== "add" && !isThere(document, source)) {
      throw new PatchFault(`${says}: there is no ${JSON.stringify(source)}`);
    }
    document = applied(document, operation, says);
  }
  return document;
}

function applied(document: JsonObject, operation: Operation, says: string): JsonObject {
  try {
    return jsonPatch.applyOperation(document, operation, true, false, true).newDocument;
  } catch (cause) {
    const reasons: Record<string, string> = {
      TEST_OPERATION_FAILED: "the value there is another one",
      OPERATION_PATH_CANNOT_ADD: "there is nothing that it could be added to",
      OPERATION_PATH_UNRESOLVABLE: "there is nothing that it could be added to",
      OPERATION_VALUE_OUT_OF_BOUNDS: "the list is shorter than that",
      OPERATION_PATH_ILLEGAL_ARRAY_INDEX: "a list needs a number or - there",
      OPERATION_PATH_INVALID: "a path starts with /",
    };
    if (cause instanceof TypeError) throw new PatchFault(`${says}: no object has such a member`);
    if (!(cause instanceof JsonPatchError)) throw cause;
    throw new PatchFault(`${says}: ${reasons[cause.name] ?? "it cannot be done"}`);
  }
}

function operationOf(written: Written): Operation {
  const { op, path } = written;
  const { value, from } = { value: undefined, from: undefined, ...written };
  switch (op) {
    case "remove":
      return { op, path };
    case "add":
    case "replace":
    case "test":
      if (value === undefined) throw new PatchFault(`${op} ${JSON.stringify(path)} needs a value`);
      return { op, path, value };
    case "move":
    case "copy":
      if (typeof from !== "string") throw new PatchFault(`${op} ${JSON.stringify(path)} needs from`);
      return { op, path, from };
    default:
      throw new PatchFault(
        `${JSON.stringify(op)} is no operation: add, remove, replace, move, copy and test are`,
      );
  }
}

/** Whether the pointer (RFC 6901) leads to a member of the document itself; what it inherits is none. */
function isThere(document: JsonObject, pointer: string): boolean {
  let place: unknown = document;
  for (const part of pointer.split("/").slice(1)) {
    const name = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof place !== "object" || place === null || !Object.hasOwn(place, name)) return false;
    place = Object.entries(place).find(([key]) => key === name)?.[1];
  }
  return pointer === "" || pointer.startsWith("/");
}
