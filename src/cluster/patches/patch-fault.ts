// What is wrong with a patch, before it is known which patch of mlship.yaml it is.

/** Thrown inside the room; `patches.ts` names the patch and makes it an MlshipError. */
export class PatchFault extends Error {
  override readonly name = "PatchFault";
}
