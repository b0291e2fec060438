// Every generated file of the reference: its path, and what it must hold.
import { cliPage } from "./cli.ts";
import { configurationPage } from "./configuration.ts";
import { documentsPage, schemaFiles } from "./documents.ts";
import { errorsPage } from "./errors.ts";
import { exitCodesPage } from "./exit-codes.ts";
import { httpPage } from "./http.ts";
import { metricsPage } from "./metrics.ts";

/** Path from the repository's root → text. Reads sources relative to the working folder. */
export function referenceFiles(): Record<string, string> {
  return {
    "docs/reference/cli.md": cliPage(),
    "docs/reference/configuration.md": configurationPage(),
    "docs/reference/documents.md": documentsPage(),
    "docs/reference/errors.md": errorsPage(),
    "docs/reference/exit-codes.md": exitCodesPage(),
    "docs/reference/http.md": httpPage(),
    "docs/reference/metrics.md": metricsPage(),
    ...schemaFiles(),
  };
}
