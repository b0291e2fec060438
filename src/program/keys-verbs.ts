// The verbs of signing keys.
import { shown, type Verb } from "./verb.ts";

/** A part of the table in verbs.ts. */
export const keysVerbs: Verb[] = [
  {
    name: "keys new",
    group: "Ship",
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
        import("../commands/keys.ts"),
        import("../ui/keys.ts"),
      ]);
      return shown(
        (values, host, project) => newKey({ output: values.text("output") }, host, project),
        () => renderNewKey,
      );
    },
  },
  {
    name: "keys show",
    group: "Ship",
    summary: "the public half of the project's key",
    about:
      "Prints the public key of image.signingKey, or of the variable MLSHIP_SIGNING_KEY, for those who verify.",
    examples: [["mlship keys show > fraud.pub", "cosign verify-attestation --key fraud.pub …"]],
    async load() {
      const [{ showKey }, { renderKey }] = await Promise.all([
        import("../commands/keys.ts"),
        import("../ui/keys.ts"),
      ]);
      return shown(
        (_values, host, project) => showKey(host, project),
        () => renderKey,
      );
    },
  },
];
