// Entry of the gateway daemon: reads its one argument, serves, and says once how that went.
import { MlshipError, exitCodes } from "./errors.ts";
import { faultOf } from "./targets/local/admin.ts";
import { gatewayConfigSchema } from "./targets/local/documents.ts";
import type { GatewayAnswer } from "./targets/local/documents.ts";
import { openGateway } from "./targets/local/gateway.ts";
import { localProcesses, localServers } from "./tools/launch.ts";

async function run(): Promise<void> {
  const config = gatewayConfigSchema.parse(JSON.parse(process.argv[2] ?? "null"));
  const processes = localProcesses();
  const self = await processes.identify(process.pid);
  if (self === null) {
    throw new MlshipError({
      code: "gateway.identity",
      what: "the gateway cannot find out when its own process began",
      why: "neither /proc nor `ps` answers",
      fix: "install `ps` (package procps)",
      exit: "unavailable",
    });
  }
  const gateway = await openGateway(config, {
    servers: localServers(process.env),
    self,
    monotonic: () => processes.monotonic(),
    now: () => new Date().toISOString(),
  });
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => void gateway.suspend().then(() => process.exit(exitCodes.done)));
  }
  tell({ serving: true });
  await gateway.stopped;
  process.exit(exitCodes.done);
}

// The process that started this one may be gone already: then nobody is told.
function tell(answer: GatewayAnswer): void {
  if (process.connected) process.send?.(answer, () => process.connected && process.disconnect());
}

process.on("SIGHUP", () => undefined);
try {
  await run();
} catch (cause) {
  process.stderr.write(`${String(cause instanceof Error ? cause.stack : cause)}\n`);
  tell({ failed: faultOf(cause) });
  process.exitCode = exitCodes.unavailable;
}
