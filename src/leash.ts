// Entry of the leash: runs one program, and ends it as soon as the process that asked for it is gone.
import { hold } from "./tools/kubectl/hold.ts";

const [folder = "", program = "", ...args] = process.argv.slice(2);
// Whoever ends the leash wants the program ended.
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  process.on(signal, () => process.stdin.destroy());
}
process.exitCode = await hold({ program, args, folder, lifeline: process.stdin });
