// Runs the server package's tests in their pinned environment: `node scripts/pytest.ts [pytest's arguments]`.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { serverEnvironment, serverFolder } from "./server-environment.ts";

const python = await serverEnvironment([join(serverFolder, "tests", "requirements.txt")]);
// No cache folder: the package's folder is published as it is.
const args = ["-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests", ...process.argv.slice(2)];
const { status, error } = spawnSync(python, args, { cwd: serverFolder, stdio: "inherit" });
if (error !== undefined) throw error;
process.exitCode = status ?? 1;
