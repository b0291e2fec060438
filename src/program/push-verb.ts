// The verb that sends the built image to its registry.
import { shown, type Verb } from "./verb.ts";

export const pushVerb: Verb = {
  name: "push",
  group: "Ship",
  summary: "send the built image to its registry",
  about:
    "Sends what the registry lacks of the image that was built last, with what is said about it, under the version, and prints the image by its digest. A version that names another image already is refused.",
  examples: [
    ["mlship push", "after mlship build"],
    ["mlship push -q > image.txt", "in a script: repository@sha256:…"],
  ],
  async load() {
    const [{ push }, { renderPush }] = await Promise.all([
      import("../commands/push.ts"),
      import("../ui/push.ts"),
    ]);
    return shown(
      (_values, host, project) => push(host, project),
      () => renderPush,
    );
  },
};
