// docs/reference/http.md: written by hand, with tables that are drawn from the server's and the gateway's source.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cell, code, table } from "./markdown.ts";

const server = "templates/server/mlship_server";

/** The page as it is, with its generated tables made anew. */
export function httpPage(): string {
  const tables: Record<string, string> = {
    refusals: table(["status", "code", "message"], refusals()),
    gateway: table(["status", "code", "message"], gatewayAnswers()),
    limits: table(["limit", "default"], limits()),
  };
  let text = readFileSync("docs/reference/http.md", "utf8");
  for (const [name, content] of Object.entries(tables)) {
    const marked = new RegExp(`(<!-- generated: ${name} -->\n)[\\s\\S]*?(<!-- end -->)`);
    if (!marked.test(text)) throw new Error(`docs/reference/http.md has no place for ${name}`);
    text = text.replace(marked, (_all, begin: string, end: string) => `${begin}\n${content}\n\n${end}`);
  }
  return text;
}

/** `Refusal(422, "input.shape", "…")` wherever the server says no. */
function refusals(): string[][] {
  const found = readdirSync(server)
    .filter((file) => file.endsWith(".py") && file !== "score.py")
    .flatMap((file) => {
      const text = readFileSync(join(server, file), "utf8");
      const fixed = [
        ...text.matchAll(/Refusal\(\s*(\d{3}),\s*"([\w.-]+)",\s*f?(?:"((?:[^"\\]|\\.)*)"|'([^']*)')/g),
      ];
      const chosen = [...text.matchAll(/code, problem = "([\w.-]+)", "([^"]+)"/g)];
      return [
        ...fixed.map(([, status = "", name = "", double, single]) => [status, name, double ?? single ?? ""]),
        ...chosen.map(([, name = "", problem = ""]) => [
          "422",
          name,
          `Column "…" ${problem} in row …: expected …`,
        ]),
      ];
    });
  return rowsOf(
    found.map(([status = "", name = "", message = ""]) => [
      status,
      name,
      message.replaceAll(/\{[^}]*\}/g, "…"),
    ]),
  );
}

/** `say(response, 503, "gateway.busy", "…")` wherever the gateway answers itself. */
function gatewayAnswers(): string[][] {
  const text = readFileSync("src/targets/local/proxy.ts", "utf8");
  const found = [
    ...text.matchAll(/say\(\s*response,\s*(?:counted,\s*)?(\d{3}),\s*"([\w.-]+)",\s*"([^"]+)"/g),
  ];
  return rowsOf(found.map(([, status = "", name = "", message = ""]) => [status, name, message]));
}

function limits(): string[][] {
  const text = readFileSync(join(server, "limits.py"), "utf8");
  const value = (name: string) => {
    const [, found] = new RegExp(`^ {4}${name}: \\w+ = ([\\d.* ]+)`, "m").exec(text) ?? [];
    if (found === undefined) throw new Error(`limits.py has no ${name}`);
    return found.split("*").reduce((product, factor) => product * Number(factor), 1);
  };
  const rows = /^BATCH_ROWS = (\d+)/m.exec(text)?.[1] ?? "";
  return [
    ["time for one prediction, from the last byte of the body (`serve.timeout`)", `${value("timeout")} s`],
    ["requests that wait in one server", String(value("queue"))],
    ["bytes of a body", `${value("max_body") / 1024 ** 2} MiB`],
    ["rows of a request", String(value("max_rows"))],
    ["rows that the model is given at once; a request with more is a batch of its own", rows],
    ["time for requests under way when a server is told to end", `${value("drain_seconds")} s`],
  ];
}

function rowsOf(found: string[][]): string[][] {
  const sorted = found.toSorted(
    ([a = "", b = ""], [c = "", d = ""]) => a.localeCompare(c) || b.localeCompare(d),
  );
  const all = new Map<string, string[]>();
  for (const [status = "", name = "", message = ""] of sorted) {
    const key = `${status} ${name}`;
    all.set(key, [...(all.get(key) ?? []), message]);
  }
  return [...all].map(([key, messages]) => {
    const [status = "", name = ""] = key.split(" ");
    return [status, code(name), cell([...new Set(messages)].join(" / "))];
  });
}
