// A channel's name as it was typed.
import { labelSchema } from "../artifacts/release.ts";
import { MlshipError } from "../errors.ts";

/** The name, when it can be one. @throws MlshipError `channel.name`, exit 2 */
export function requireChannelName(typed: string): string {
  if (labelSchema.safeParse(typed).success) return typed;
  throw new MlshipError({
    code: "channel.name",
    what: `"${typed}" cannot be the name of a channel`,
    why: "it is a DNS label: up to 63 lower-case letters, digits and hyphens",
    fix: "choose a name such as staging or eu-production",
    exit: "usage",
  });
}
