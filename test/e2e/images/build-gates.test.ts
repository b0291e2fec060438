// What keeps an image from being kept, each for real on the Docker Engine: answers, end, start, memory, size, a way out.
import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { BuiltImage } from "../../../src/image/built.ts";
import { onEngine } from "./left.ts";
import { openCancer, type Project } from "../project.ts";

const base = `${process.env["MLSHIP_TEST_REGISTRY"]}/library/python:3.11-slim`;
const run = promisify(execFile);
let project: Project;

beforeEach(async () => {
  project = await openCancer();
  await project.write("1.0.0", { image: { base }, model: { handler: "handler.py" } });
});

afterEach(async () => {
  await project.close();
});

/** The document of an error. */
interface Fault {
  code: string;
  what: string;
  why?: string;
}

const tell = ({ code, what, why }: Fault) => `${code}: ${what}: ${why}`.replaceAll(/\s+/g, " ");

/** Adds a handler that does this where it is imported in the image, and nothing where the model is validated. */
async function inImage(code: string): Promise<void> {
  const lines = code.trim().split("\n");
  const guarded = lines.map((line) => `    ${line}`).join("\n");
  const plain = "import os\ndef postprocess(outputs, columns):\n    return outputs\n";
  await project.handle(`${plain}if os.path.exists("/app/python"):\n${guarded}\n`);
}

test.each<[string, string, RegExp]>([
  [
    "answers that are not those that were validated",
    `def postprocess(outputs, columns):
    return {name: values[::-1] for name, values in outputs.items()}`,
    /image\.parity.*rows have another label/,
  ],
  [
    "a process that ends at once on SIGTERM, with requests under way",
    `def postprocess(outputs, columns):
    import ctypes, time
    c = ctypes.CDLL(None)
    c.signal(15, ctypes.cast(c._exit, ctypes.c_void_p))
    time.sleep(0.2)
    return outputs`,
    /image\.drain.*it ended with 15; \d+ of \d+ requests were lost/,
  ],
  [
    "a process that does not end on SIGTERM",
    `def postprocess(outputs, columns):
    import ctypes
    ctypes.CDLL(None).signal(15, 1)
    return outputs`,
    /image\.drain.*on SIGTERM it had to be killed/,
  ],
  [
    "a server that dies at its start",
    `print("the licence of this model has expired", flush=True)
os.kill(os.getppid() if os.getpid() != 1 else 1, 9)
os._exit(7)`,
    /image\.(ended|not-ready).*the licence of this model has expired/,
  ],
  [
    "a model that needs more memory than its pods will have",
    `held = [bytearray(b"x" * (1 << 26)) for _ in range(40)]`,
    /image\.out-of-memory.*deploy\.resources\.memory: 512 MiB/,
  ],
])("%s: the image is refused, and nothing of it stays", async (_name, code, words) => {
  await inImage(code);
  const fault = await project.json<Fault>(["build", "--set", "deploy.canary.startTimeout=60s"], 3);
  expect(tell(fault)).toMatch(words);
  expect(await readdir(project.file(".mlship/images"))).toEqual([]);
  expect(await onEngine(project.folder)).toEqual([]);
});

test("a size above image.maxSize is refused, naming the layer that broke it and its share", async () => {
  await inImage("pass");
  const fault = await project.json<Fault>(["build", "--set", "image.maxSize=60MB"], 3);
  expect(tell(fault)).toMatch(
    /image\.too-large.*the layer environment \(.* MB, \d+ %\) broke the limit of 60 MB/,
  );
  expect(await readdir(project.file(".mlship/images"))).toEqual([]);
});

test("there is no way out of the container: neither by address nor by name", async () => {
  // The machine's name server is outside of the machine, and an ordinary container reaches it.
  const [, server = ""] = /^nameserver (\d\S+)$/m.exec(await readFile("/etc/resolv.conf", "utf8")) ?? [];
  const reach = `import socket
def reaches(host, port):
    try:
        socket.create_connection((host, port), timeout=3).close()
        return True
    except OSError:
        return False
`;
  const ordinary = ["run", "--rm", "--label=dev.mlship.build=ordinary", base, "python3", "-c"];
  const { stdout } = await run("docker", [...ordinary, `${reach}print(reaches("${server}", 53))`]);
  expect(stdout.trim()).toBe("True");
  await inImage(`${reach}if reaches("${server}", 53) or reaches("localhost.localdomain", 80):
    raise RuntimeError("there is a way out")`);
  const built = await project.json<BuiltImage>(["build"]);
  expect(built.images[0]?.selfTest?.parity.flips).toBe(0);
});
