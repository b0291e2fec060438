// The verb that pins what an image is made of.
import { shown, type Values, type Verb } from "./verb.ts";

export const lockVerb: Verb = {
  name: "lock",
  group: "Ship",
  summary: "pin base image and packages in mlship.lock",
  about:
    "Pins the base image by digest and every Python package by the hashes of its files, for each platform in image.platforms, and writes mlship.lock. What is pinned already is kept as long as it fits the model, mlship.yaml and the requirements.",
  flags: [
    {
      flags: "--upgrade [names...]",
      about: "pin everything anew, or only these packages; base means the base image",
    },
    { flags: "--check", about: "write nothing; exit 2 when the lock is missing or out of date" },
  ],
  examples: [
    ["mlship lock", "after a change to model, requirements or mlship.yaml"],
    ["mlship lock --upgrade numpy,base", "take newer ones of these two"],
    ["mlship lock --check", "in a pull-request check"],
  ],
  async load() {
    const [{ lock }, { renderLock }] = await Promise.all([
      import("../commands/lock.ts"),
      import("../ui/lock.ts"),
    ]);
    const options = (values: Values) => ({
      upgradeAll: values.flag("upgrade"),
      upgrade: values.texts("upgrade"),
      check: values.flag("check"),
    });
    return shown(
      (values, host, project) => lock(options(values), host, project),
      () => renderLock,
    );
  },
};
