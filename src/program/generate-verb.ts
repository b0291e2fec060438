// The verb `generate` as the command line knows it.
import { shown, type Verb } from "./verb.ts";

export const generateVerb: Verb = {
  name: "generate",
  group: "Ship",
  summary: "write Dockerfile and Kubernetes objects to read and keep",
  about:
    "Validates the model and writes the build context of its image and its Kubernetes objects below deploy/. Only files that differ are touched, and nothing is removed that mlship did not write.",
  flags: [
    { flags: "-o, --output <folder>", about: "where to (default: deploy)" },
    { flags: "--check", about: "write nothing; exit 2 and name the files when any differs" },
    { flags: "--image <reference>", about: "image that the Kubernetes objects name" },
    { flags: "--eject", about: "write only the Dockerfile's template, to be your own" },
  ],
  examples: [
    ["mlship generate", "after a change of mlship.yaml, the model or the lock"],
    ["mlship generate --check", "in a pull request"],
    ["mlship generate --eject", "to own the Dockerfile"],
  ],
  async load() {
    const [{ generate, eject }, { renderGenerate, renderEject }] = await Promise.all([
      import("../commands/generate.ts"),
      import("../ui/generate.ts"),
    ]);
    const written = shown(
      (values, host, project) =>
        generate(
          {
            output: values.text("output") ?? "deploy",
            check: values.flag("check"),
            image: values.text("image"),
          },
          host,
          project,
        ),
      () => renderGenerate,
    );
    const ejected = shown(
      (_values, host, project) => eject(host, project),
      () => renderEject,
    );
    return (values, host, project) => (values.flag("eject") ? ejected : written)(values, host, project);
  },
};
