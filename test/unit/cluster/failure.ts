// What a function refuses to do.
import { MlshipError } from "../../../src/errors.ts";

/** The error that an act ends in. */
export function failureOf(act: () => unknown): MlshipError {
  try {
    act();
  } catch (error) {
    if (error instanceof MlshipError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
