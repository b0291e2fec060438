// Whether an object says everything that was sent: then the write was carried out, whatever was answered.

/** What the API server sets itself, and what a write only depends on. */
const ofServer = new Set([
  "resourceVersion",
  "uid",
  "generation",
  "creationTimestamp",
  "managedFields",
  "status",
]);

/** Whether `found` has every field of `sent` with its value; lists must have the same length. */
export function contains(found: unknown, sent: unknown): boolean {
  if (Array.isArray(sent)) {
    return (
      Array.isArray(found) &&
      found.length === sent.length &&
      sent.every((item, index) => contains(found[index], item))
    );
  }
  if (typeof sent === "object" && sent !== null) {
    if (typeof found !== "object" || found === null) return false;
    const there = new Map<string, unknown>(Object.entries(found));
    return Object.entries(sent).every(
      ([key, value]) => ofServer.has(key) || isEmpty(value) || contains(there.get(key), value),
    );
  }
  return found === sent;
}

/** The API server leaves out what says nothing. */
function isEmpty(value: unknown): boolean {
  return (
    value === undefined || value === null || (typeof value === "object" && Object.keys(value).length === 0)
  );
}
