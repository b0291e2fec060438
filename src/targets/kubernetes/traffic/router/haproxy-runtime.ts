// HAProxy's runtime API: commands over one short connection through a tunnel into the router's pod.
import { createConnection } from "node:net";
import { MlshipError } from "../../../../errors.ts";

/** Milliseconds that an answer may take. */
const deadline = 3_000;
/** Characters of an answer; the counters of a router need 20,000. */
const longest = 1 << 20;

/**
 * What a router answers to commands that are sent together. HAProxy closes the connection after the
 * last answer, but a tunnel passes that on a second later: the answers themselves say where they end.
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
    if (answersIn(text) >= commands.length) {
      resolve(text);
      connection.destroy();
    } else if (text.length > longest) connection.destroy(new Error("its answer does not end"));
  });
  connection.on("error", (cause) => reject(silent(cause.message, cause)));
  connection.on("close", () => {
    clearTimeout(timer);
    // A tunnel whose pod has gone closes the connection without a word, or in the middle of one.
    reject(silent("it closed the connection before its answer ended"));
  });
  return promise;
}

/** Whole answers: an empty line ends each one, and none contains one. Seen with HAProxy 2.6, 3.0 and 3.2. */
function answersIn(text: string): number {
  return text
    .split("\n")
    .slice(0, -1)
    .filter((line) => line === "").length;
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
