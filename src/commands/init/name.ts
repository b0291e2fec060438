// Makes a project's name out of its folder's.

/** A DNS label as close to the folder's name as one can be; `model` when nothing of it is left. */
export function proposeName(folder: string): string {
  const label = folder
    .normalize("NFKD")
    .replaceAll(/\p{M}/gu, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .slice(0, 63)
    .replaceAll(/^-+|-+$/g, "");
  return label || "model";
}
