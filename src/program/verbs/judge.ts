// The verbs that judge a model.
import { shown, type Values, type Verb } from "../verb.ts";

export const judgeVerbs: Verb[] = [
  {
    name: "scan",
    group: "Judge",
    summary: "what a model file can do when it is loaded",
    about:
      "Reads a model's bytes, without loading it, and names everything that loading it would reach. Exit 3 unless all of it is proved safe.",
    arguments: [{ name: "file", about: "a model file or folder (default: the project's model)" }],
    flags: [{ flags: "--sarif <file>", about: "also write the findings as SARIF, for code scanning" }],
    examples: [
      ["mlship scan", "the project's model"],
      ["mlship scan downloads/model.pkl", "any file, before anything opens it"],
      ["mlship scan --sarif scan.sarif", "for the security tab of a repository"],
    ],
    async load() {
      const [{ scan }, { renderScan }] = await Promise.all([
        import("../../commands/scan.ts"),
        import("../../ui/scan.ts"),
      ]);
      return shown(
        (values, host, project) =>
          scan({ file: values.text("file"), sarif: values.text("sarif") }, host, project),
        () => renderScan,
      );
    },
  },
  {
    name: "validate",
    group: "Judge",
    summary: "judge the model on its test data",
    about:
      "Scans the model, scores it on the labelled rows in its locked environment, and judges the metrics by the gates of mlship.yaml. Exit 3 when a gate fails, 4 when one cannot be decided.",
    flags: [
      { flags: "-o, --output <file>", about: "also write the report as JSON" },
      { flags: "--html <file>", about: "also write the report as one HTML page, with pictures" },
      { flags: "--markdown <file>", about: "also write the report as Markdown, for a pull request" },
      { flags: "--junit <file>", about: "also write the gates as JUnit XML, for a CI system" },
      { flags: "--sarif <file>", about: "also write what loading the model could do as SARIF" },
    ],
    examples: [
      ["mlship validate", "before a commit"],
      ["mlship validate --html report.html", "with curves, slices and distributions to look at"],
      ["mlship validate --json > report.json", "in a script"],
      ["mlship validate --set validate.gates.accuracy.min=0.95", "with another gate"],
    ],
    async load() {
      const [{ validate }, { renderReport }] = await Promise.all([
        import("../../commands/validate.ts"),
        import("../../ui/report.ts"),
      ]);
      const options = (values: Values) => ({
        output: values.text("output"),
        html: values.text("html"),
        markdown: values.text("markdown"),
        junit: values.text("junit"),
        sarif: values.text("sarif"),
      });
      return shown(
        (values, host, project) => validate(options(values), host, project),
        () => renderReport,
      );
    },
  },
];
