// HAProxy's runtime API: commands over one short connection through a tunnel into the router's pod.
import { createConnection } from "node:net";
import { MlshipError } from "../../../../errors.ts";

/** Milliseconds that an answer may take. */
const deadline = 3_000;
/** Characters of an answer; the counters of a router need 20,000. */
const longest = 1 << 20;

/**
 * What a router answers to commands that are sent together.
 * @param port of 127.0.0.1
 * @throws MlshipError `router.silent`, exit 5.
 */
export function askRouter(port: number, commands: readonly string[]): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = "";
  const connection = createConnection({ host: "127.0.0.1", port });
  const timer = setTimeout(() => connection.destroy(new Error("it did not answer in time")), deadline);
  connection.setEncoding("utf8");
  connection.on("connect", () => connection.write(`${commands.join(";")}\n`));
  connection.on("data", (part: string) => {
    text += part;
    if (text.length > longest) connection.destroy(new Error("its answer does not end"));
  });
  connection.on("error", (cause) => reject(silent(cause.message, cause)));
  connection.on("close", () => {
    clearTimeout(timer);
    // A tunnel whose pod has gone closes the connection without a word.
    if (text === "") reject(silent("it closed the connection without an answer"));
    else resolve(text);
  });
  return promise;
}

function silent(why: string, cause?: unknown): MlshipError {
  return new MlshipError({
    code: "router.silent",
    what: "a router does not answer",
    why,
    fix: "see `mlship status`; it is asked again at the next look",
    exit: "unavailable",
    cause,
  });
}
