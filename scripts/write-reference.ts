// Writes docs/reference/ and the schemas of documents from the sources: `node scripts/write-reference.ts`.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { chdir } from "node:process";
import { referenceFiles } from "./reference/pages.ts";

chdir(dirname(import.meta.dirname));
mkdirSync("docs/reference", { recursive: true });
for (const [file, text] of Object.entries(referenceFiles())) writeFileSync(file, text);
