import { defineConfig } from "vitest/config";

// unit: pure rooms · cli: verbs in-process with a fake host · local: real Python, processes and
// sockets on this machine · e2e: the built binary with real Python and real servers on this machine ·
// images: the same against Docker, BuildKit and the registry of test/e2e/testbed · buckets: against its S3 servers ·
// cluster: rollouts on its Kubernetes, where tests wait more than they work: each file in its own namespace.
export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"] } },
      { test: { name: "cli", include: ["test/cli/**/*.test.ts"], testTimeout: 30_000 } },
      {
        test: {
          name: "local",
          include: ["test/local/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 240_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/*.test.ts"],
          globalSetup: ["test/e2e/setup.ts"],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "images",
          include: ["test/e2e/{images,kubernetes}/*.test.ts"],
          globalSetup: ["test/e2e/setup.ts"],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "buckets",
          include: ["test/e2e/s3/**/*.test.ts"],
          globalSetup: ["test/e2e/setup.ts"],
          testTimeout: 300_000,
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "cluster",
          include: ["test/cluster/**/*.test.ts"],
          globalSetup: ["test/cluster/setup.ts"],
          testTimeout: 600_000,
          hookTimeout: 300_000,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
