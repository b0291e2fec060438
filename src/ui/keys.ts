// Key pairs for people: what was made, what to do with it, and the public half.
import type { ShownKey } from "../commands/keys.ts";
import type { Render } from "./screen.ts";
import { wrap } from "./table.ts";

/** What `mlship keys new` made, and the next steps. */
export const renderNewKey: Render<ShownKey> = (
  { from, publicFile, fingerprint, encrypted },
  { style, width },
) => {
  const next = (text: string) => `- ${wrap(text, width, "  ")}\n`;
  return [
    `${style("bold", "private key")}  ${from} (${encrypted === true ? "encrypted with MLSHIP_KEY_PASSWORD" : "not encrypted"})\n`,
    `${style("bold", "public key")}   ${publicFile ?? ""}\n`,
    `${style("bold", "fingerprint")}  ${fingerprint}\n\n`,
    next(`sign with it: image.signingKey: ${JSON.stringify(from)} in mlship.yaml`),
    next(`in CI: put the content of ${from} into the secret variable MLSHIP_SIGNING_KEY`),
    next(`keep ${from} secret and out of git; give ${publicFile ?? "the public key"} to whoever verifies`),
    ...(encrypted === true
      ? []
      : [next("to have it encrypted, set MLSHIP_KEY_PASSWORD before mlship keys new")]),
  ].join("");
};

/** The public key as verifiers read it; on a terminal with its fingerprint. */
export const renderKey: Render<ShownKey> = ({ publicKey, fingerprint, from }, { style, terminal }) =>
  terminal
    ? `${style("bold", "fingerprint")}  ${fingerprint}\n${style("bold", "from")}         ${from}\n\n${publicKey}`
    : publicKey;
