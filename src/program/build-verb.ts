// The verb `build` as the command line knows it.
import { shown, type Values, type Verb } from "./verb.ts";

export const buildVerb: Verb = {
  name: "build",
  group: "Ship",
  summary: "build the model's image and try it out",
  about:
    "Validates the model, builds its image from mlship.lock, starts it locked down, replays labelled rows and compares its answers with the report, and keeps it for mlship push. An image of the same plan is not built again. Exit 3 when the image fails a check.",
  flags: [
    { flags: "--verify", about: "build twice from nothing, and fail unless both are the same image" },
    { flags: "--no-cache", about: "take nothing from the builder's cache" },
  ],
  examples: [
    ["mlship build", "before a push"],
    ["mlship build --verify", "prove that the image can be rebuilt"],
    ["mlship build --set image.maxSize=150MB", "with a limit"],
  ],
  async load() {
    const [{ build }, { renderBuild }] = await Promise.all([
      import("../commands/build.ts"),
      import("../ui/build.ts"),
    ]);
    // Commander knows a flag that begins with "no" by what it turns off.
    const options = (values: Values) => ({ verify: values.flag("verify"), noCache: values.isOff("cache") });
    return shown(
      (values, host, project) => build(options(values), host, project),
      () => renderBuild,
    );
  },
};
