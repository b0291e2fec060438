// The verbs that make an image and bring it to its registry.
import { shown, type Values, type Verb } from "../verb.ts";

export const buildVerbs: Verb[] = [
  {
    name: "lock",
    group: "Build",
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
        import("../../commands/lock.ts"),
        import("../../ui/lock.ts"),
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
  },
  {
    name: "generate",
    group: "Build",
    summary: "write Dockerfile and Kubernetes objects",
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
        import("../../commands/generate.ts"),
        import("../../ui/generate.ts"),
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
  },
  {
    name: "build",
    group: "Build",
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
        import("../../commands/build.ts"),
        import("../../ui/build.ts"),
      ]);
      // Commander knows a flag that begins with "no" by what it turns off.
      const options = (values: Values) => ({ verify: values.flag("verify"), noCache: values.isOff("cache") });
      return shown(
        (values, host, project) => build(options(values), host, project),
        () => renderBuild,
      );
    },
  },
  {
    name: "push",
    group: "Build",
    summary: "send the built image to its registry",
    about:
      "Sends what the registry lacks of the image that was built last, with what is said about it, under the version, and prints the image by its digest. A version that names another image already is refused.",
    examples: [
      ["mlship push", "after mlship build"],
      ["mlship push -q > image.txt", "in a script: repository@sha256:…"],
    ],
    async load() {
      const [{ push }, { renderPush }] = await Promise.all([
        import("../../commands/push.ts"),
        import("../../ui/push.ts"),
      ]);
      return shown(
        (_values, host, project) => push(host, project),
        () => renderPush,
      );
    },
  },
  {
    name: "keys new",
    group: "Build",
    summary: "keys that sign what is said about an image",
    about:
      "Makes an ECDSA P-256 pair for signing: the private key in a file that only you can read, encrypted when MLSHIP_KEY_PASSWORD is set, and the public key beside it. Never overwrites a key.",
    flags: [{ flags: "-o, --output <file>", about: "file of the private key (default: mlship.key)" }],
    examples: [
      ["mlship keys new", "mlship.key and mlship.key.pub"],
      ["mlship keys new --output ../keys/fraud.key", "outside of the project"],
    ],
    async load() {
      const [{ newKey }, { renderNewKey }] = await Promise.all([
        import("../../commands/keys.ts"),
        import("../../ui/keys.ts"),
      ]);
      return shown(
        (values, host, project) => newKey({ output: values.text("output") }, host, project),
        () => renderNewKey,
      );
    },
  },
  {
    name: "keys show",
    group: "Build",
    summary: "the public half of the project's key",
    about:
      "Prints the public key of image.signingKey, or of the variable MLSHIP_SIGNING_KEY, for those who verify.",
    examples: [["mlship keys show > fraud.pub", "cosign verify-attestation --key fraud.pub …"]],
    async load() {
      const [{ showKey }, { renderKey }] = await Promise.all([
        import("../../commands/keys.ts"),
        import("../../ui/keys.ts"),
      ]);
      return shown(
        (_values, host, project) => showKey(host, project),
        () => renderKey,
      );
    },
  },
];
