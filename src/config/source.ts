// The bytes of a configuration file as text: what is missing, too large or not UTF-8 is refused.
import { readFile } from "node:fs/promises";
import { MlshipError } from "../errors.ts";

const maxBytes = 256 * 1024;

/**
 * Reads the file; a UTF-8 byte order mark is dropped.
 * @param path absolute. @param name how messages call it.
 * @throws MlshipError `config.missing`, `config.unreadable` or `config.invalid`; exit 2.
 */
export async function readSource(path: string, name: string): Promise<string> {
  const bytes = await readFile(path).catch((error: unknown) => {
    throw unreadable(error, path, name);
  });
  if (bytes.length > maxBytes) {
    throw invalid(
      name,
      `it has ${bytes.length} bytes; at most ${maxBytes} are read`,
      "check that this is the right file",
    );
  }
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    throw invalid(name, "it is UTF-16 text", "save it as UTF-8");
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw invalid(name, "it is not UTF-8 text", "save it as UTF-8, or check that this is the right file");
  }
}

function unreadable(error: unknown, path: string, name: string): MlshipError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
  if (code === "ENOENT" || code === "ENOTDIR") {
    return new MlshipError({
      code: "config.missing",
      what: `there is no ${name}`,
      why: `looked for ${path}`,
      fix: "run `mlship init` to write one, or go to its folder with -C FOLDER",
      exit: "usage",
      cause: error,
    });
  }
  return new MlshipError({
    code: "config.unreadable",
    what: `${name} cannot be read`,
    why: code === "EISDIR" ? "it is a folder" : `the system says ${code}`,
    fix:
      code === "EISDIR"
        ? "replace it by a file: `mlship init` writes one"
        : "check the permissions of the file",
    exit: "usage",
    cause: error,
  });
}

function invalid(name: string, why: string, fix: string): MlshipError {
  return new MlshipError({
    code: "config.invalid",
    what: `${name} cannot be read`,
    why,
    fix,
    exit: "usage",
    at: { file: name },
  });
}
