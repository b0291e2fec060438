// Writes schema/mlship.schema.json from the schema that the loader uses: `node scripts/write-schema.ts`.
import { writeFileSync } from "node:fs";
import { mlshipJsonSchema } from "../src/config/json-schema.ts";

const file = new URL("../schema/mlship.schema.json", import.meta.url);
writeFileSync(file, `${JSON.stringify(mlshipJsonSchema(), null, 2)}\n`);
