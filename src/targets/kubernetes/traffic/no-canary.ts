// The error of a share that leads nowhere any more.
import { namesOf } from "../../../cluster/names.ts";
import { MlshipError } from "../../../errors.ts";

/** The canary's Service reaches no servers, so that its share is not in force. @param name of the model */
export function noCanary(name: string): MlshipError {
  return new MlshipError({
    code: "rollout.lease-lost",
    what: "the canary's share is not in force any more",
    why: `Service ${namesOf(name).canary} reaches no servers`,
    fix: "set the share again",
    exit: "attention",
  });
}
