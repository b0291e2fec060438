// What may be the name of an object in any store.
import { MlshipError } from "../errors.ts";

/** A name between the slashes of a key; none begins with a dot, so that stores can keep things of their own. */
export const keySegment = /^[A-Za-z0-9_+-][A-Za-z0-9._+-]*$/;

/** @throws MlshipError `store.bad-key`, exit 2. */
export function checkKey(key: string, location: string): void {
  if (key.split("/").every((name) => keySegment.test(name))) return;
  throw new MlshipError({
    code: "store.bad-key",
    what: `"${key}" cannot be the name of an object in ${location}`,
    why: "a name is made of letters, digits and ._+- between slashes, and no part begins with a dot",
    exit: "usage",
  });
}
