// The JSON Schema of mlship.yaml, which editors use to check and complete it.
import { z } from "zod";
import { fileSchema } from "./schema.ts";

/** Draft 7, which YAML language servers understand; made from the schema that the loader uses. */
export function mlshipJsonSchema(): object {
  const schema = z.toJSONSchema(fileSchema, {
    target: "draft-7",
    io: "input",
    override: ({ jsonSchema }) => {
      // A section's own default says nothing: those of its keys do.
      if (jsonSchema.type === "object") delete jsonSchema.default;
    },
  });
  return { title: "mlship.yaml", ...schema };
}
