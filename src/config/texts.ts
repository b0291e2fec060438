// Texts that several sections of mlship.yaml are made of: labels, paths, column names, durations.
import { z } from "zod";
import { durationPattern, parseDuration } from "./units.ts";

/** A DNS label (RFC 1123). */
export const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

// oxlint-disable-next-line no-control-regex -- a path that holds one cannot be shown or passed on safely
const plain = /^[^\u0000-\u001f\u007f]+$/;

export const path = z.string().regex(plain, "must be a path without control characters");

export const localPath = path.refine((text) => !text.includes("://"), {
  error: "must be a path on this machine, not a URL",
});

export const column = z.string().min(1);

const longest = "24h";
const duration = z.string().regex(durationPattern, "must be a duration such as 500ms, 2s or 10m");

/** A duration of at most a day, 0 included. */
export const briefly = duration.refine((text) => !(parseDuration(text) > parseDuration(longest)), {
  error: `must be at most ${longest}`,
});

export const positiveDuration = briefly.refine((text) => parseDuration(text) !== 0, {
  error: "must be longer than 0",
});
