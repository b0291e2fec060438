// Asks one of Docker's credential helpers: a program that keeps secrets in a keychain.
import { z } from "zod";
import { MlshipError } from "../../errors.ts";
import type { Address } from "./address.ts";
import type { CredentialPlaces, Credentials } from "./credentials.ts";

/** Milliseconds for a helper's answer; some ask a person to unlock a keychain. */
const patience = 60_000;
/** Username by which a helper says that its secret is a refresh token. */
const tokenUser = "<token>";

const answerSchema = z.looseObject({ Username: z.string(), Secret: z.string() });

/**
 * Runs `docker-credential-NAME get` with the registry's name on stdin.
 * @returns null when the helper keeps nothing for this registry
 * @throws MlshipError `registry.credentials`, exit 5, when it is not there, fails or says nonsense.
 */
export async function askHelper(
  name: string,
  address: Address,
  { env, signal }: CredentialPlaces,
): Promise<Credentials | null> {
  const program = `docker-credential-${name}`;
  // A name with a slash would be a path: any program of the machine.
  if (!/^[A-Za-z0-9_.-]+$/.test(name)) throw broken(program, "its name is not one of a helper");
  const { execa } = await import("execa");
  const ran = await execa(program, ["get"], {
    env,
    extendEnv: false,
    input: address.credentialKey,
    reject: false,
    timeout: patience,
    cancelSignal: signal,
  });
  signal.throwIfAborted();
  if (ran.exitCode === 0) return readAnswer(program, ran.stdout);
  if (ran.timedOut) throw broken(program, `it did not answer within ${patience / 1000} s`);
  if (ran.exitCode === undefined) throw missing(program, ran.originalMessage);
  if (/credentials not found|no credentials|not found in/i.test(ran.stdout + ran.stderr)) return null;
  throw broken(program, firstLine(ran.stderr) || firstLine(ran.stdout) || `exit code ${ran.exitCode}`);
}

function readAnswer(program: string, text: string): Credentials | null {
  let answer: z.infer<typeof answerSchema>;
  try {
    answer = answerSchema.parse(JSON.parse(text));
  } catch {
    // Neither text nor cause are shown: they may hold the secret.
    throw broken(program, "its answer is not the JSON of a credential helper");
  }
  const { Username: username, Secret: secret } = answer;
  if (secret === "") return null;
  if (username === tokenUser) return { kind: "identity", token: secret };
  return { kind: "password", username, password: secret };
}

const firstLine = (text: string) => text.trim().split("\n", 1)[0]?.slice(0, 200) ?? "";

function missing(program: string, why: string | undefined): MlshipError {
  return new MlshipError({
    code: "registry.credentials",
    what: `the credential helper ${program} could not be started`,
    ...(why === undefined ? {} : { why }),
    fix: `put ${program} on PATH, or take it out of Docker's config.json and run \`docker login\` again`,
    exit: "unavailable",
  });
}

function broken(program: string, why: string): MlshipError {
  return new MlshipError({
    code: "registry.credentials",
    what: `the credential helper ${program} failed`,
    why,
    fix: "run `docker login` for this registry again",
    exit: "unavailable",
  });
}
