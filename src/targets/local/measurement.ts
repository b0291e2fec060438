// A measurement of the local target: the gateway's counters, and what the servers behind it say.
import type { Answers, Measurement, Revision } from "../../rollout/ports.ts";
import { readAnswers, sumAnswers } from "../server-metrics.ts";
import { crashesUntilGivenUp } from "./crew.ts";
import type { CrewStatus, GatewayStatus, Split } from "./documents.ts";

/** Milliseconds that one page may take. */
const pageTimeout = 1_000;

/** Adds to the gateway's counters what the servers counted, and what ails those of the canary. */
export async function completeMeasurement(
  split: Split,
  { crews, stable, canary }: GatewayStatus,
  logOf: (revision: Revision) => Promise<string>,
): Promise<Measurement> {
  const crewOf = (id: string | null) => crews.find(({ revision }) => revision.id === id);
  const tried = crewOf(canary);
  const trouble = tried === undefined ? null : await troubleOf(tried, logOf);
  return { ...split, trouble, served: await servedBy(crewOf(stable), tried) };
}

async function troubleOf(
  { revision, restarts }: CrewStatus,
  logOf: (revision: Revision) => Promise<string>,
): Promise<string | null> {
  if (restarts < crashesUntilGivenUp) return null;
  const log = await logOf(revision);
  const what = `its servers ended by themselves ${restarts} times`;
  return log === "" ? what : `${what}; their log ends with\n${log}`;
}

/** Sums over all ready servers of each side; null when one of them cannot be asked or does not count. */
async function servedBy(
  stable: CrewStatus | undefined,
  canary: CrewStatus | undefined,
): Promise<Measurement["served"]> {
  if (stable === undefined || canary === undefined) return null;
  const [ofStable, ofCanary] = await Promise.all([answersOf(stable), answersOf(canary)]);
  return ofStable === null || ofCanary === null ? null : { stable: ofStable, canary: ofCanary };
}

async function answersOf({ ports }: CrewStatus): Promise<Answers | null> {
  return sumAnswers(await Promise.all(ports.map((port) => answersAt(port))));
}

async function answersAt(port: number): Promise<Answers | null> {
  try {
    const signal = AbortSignal.timeout(pageTimeout);
    const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal });
    return response.ok ? readAnswers(await response.text()) : null;
  } catch {
    // It ended, or is too busy to say: errors and readiness are counted by the gateway.
    return null;
  }
}
