import { describe, expect, it } from "vitest";
import { attempt, lastLines } from "../../../src/tools/process.ts";

const env = { PATH: process.env["PATH"], GREETING: "hello" };
const node = (program: string) => ["-e", program];

describe("a program", () => {
  it("gets its arguments and variables as they are, and no others", async () => {
    const program =
      "console.log(JSON.stringify([process.argv.slice(1), process.env.GREETING, process.env.HOME ?? null]))";
    const { stdout } = await attempt(process.execPath, [...node(program), "$(id) `id`; *", "'\""], { env });
    expect(JSON.parse(stdout)).toEqual([["$(id) `id`; *", "'\""], "hello", null]);
  });

  it("that fails gives its exit code and what it printed", async () => {
    const program = "for (let i = 0; i < 50; i++) console.error('line ' + i); process.exitCode = 9";
    const { exitCode, stderr } = await attempt(process.execPath, node(program), { env });
    expect([exitCode, lastLines(`${stderr}\n\n`, 2)]).toEqual([9, "line 48\nline 49"]);
  });

  it("that is not there is named, with what to do", async () => {
    await expect(attempt("no-such-program", [], { env })).rejects.toMatchObject({
      code: "tool.missing",
      exit: "unavailable",
      what: "no-such-program could not be started",
      fix: "install no-such-program and put it on PATH",
    });
  });

  it.each([
    ["SIGKILL", "tool.killed"],
    ["SIGINT", "interrupted"],
  ])("that %s ended is %s", async (signal, code) => {
    const program = `process.kill(process.pid, "${signal}"); setTimeout(() => {}, 10000)`;
    await expect(attempt(process.execPath, node(program), { env })).rejects.toMatchObject({ code });
  });

  it("is ended when the signal is aborted, and never started after that", async () => {
    const controller = new AbortController();
    const running = attempt(process.execPath, node("setTimeout(() => {}, 60000)"), {
      env,
      signal: controller.signal,
    });
    controller.abort(new Error("stopped by the test"));
    await expect(running).rejects.toThrow("stopped by the test");
    await expect(attempt("no-such-program", [], { env, signal: controller.signal })).rejects.toThrow(
      "stopped by the test",
    );
  });
});
