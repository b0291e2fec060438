// What locking needs from the outside world: a resolver of Python distributions, and the server's sources.
import type { Platform } from "../../config/image-keys.ts";
import type { Digest } from "../../digest.ts";
import type { Lock, Pin } from "./lock.ts";

/** Which distributions are wanted, and for what. */
export interface PinRequest {
  /** PEP 508 lines, without hashes. */
  requirements: readonly string[];
  /** Minor version of CPython: `3.12`. */
  python: string;
  platform: Platform;
  /** Names of distributions that may be built from source where there is no wheel. */
  allowSource: readonly string[];
  /** Versions that are kept where the requirements allow it. */
  preferred: readonly Pick<Pin, "name" | "version">[];
}

/** Pins Python distributions for platforms that need not be this machine's. */
export interface Resolver {
  /**
   * Minor versions of CPython on this machine that the server supports, newest first.
   * @throws MlshipError `python.missing`, exit 5.
   */
  pythons(): Promise<string[]>;
  /** The server package as it comes with this mlship. */
  server(): Promise<{
    /** Over its files and its requirements. */
    digest: Digest;
    requirements: string[];
  }>;
  /** The tools that the build stage of an image installs distributions with. */
  readonly builder: Lock["builder"];
  /**
   * Every distribution that the requirements need, sorted by name.
   * @throws MlshipError `lock.no-wheel` or `python.unsatisfiable`, exit 2; `python.*`, exit 5.
   */
  resolve(request: PinRequest): Promise<Pin[]>;
}
