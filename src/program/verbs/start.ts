// The verbs that begin a project.
import { shown, type Values, type Verb } from "../verb.ts";

export const startVerbs: Verb[] = [
  {
    name: "init",
    group: "Start",
    summary: "write mlship.yaml from what is in this folder",
    about:
      "Recognises the model, the labelled rows and the target column, scores the model once, and writes mlship.yaml with gates a little below what it reaches today.",
    flags: [
      { flags: "--model <file>", about: "the model, when there are several" },
      { flags: "--data <file>", about: "the labelled rows, when there are several files" },
      { flags: "--target <column>", about: "the column that holds the true value" },
      { flags: "--name <name>", about: "name of the model (default: from the folder)" },
      { flags: "--force", about: "replace a mlship.yaml that is there" },
    ],
    examples: [
      ["mlship init", "find everything out"],
      ["mlship init --data holdout.parquet --target churned", "say what is unclear"],
    ],
    async load() {
      const [{ init }, { renderInit }] = await Promise.all([
        import("../../commands/init.ts"),
        import("../../ui/init.ts"),
      ]);
      const options = (values: Values) => ({
        model: values.text("model"),
        data: values.text("data"),
        target: values.text("target"),
        name: values.text("name"),
        force: values.flag("force"),
      });
      return shown(
        (values, host) => init(options(values), host),
        () => renderInit,
      );
    },
  },
  {
    name: "config show",
    group: "Start",
    summary: "the configuration in force",
    about: "Prints every value of the configuration, defaults and overrides included.",
    flags: [{ flags: "--origin", about: "also where each value comes from" }],
    examples: [
      ["mlship config show --origin", "why is it that value?"],
      ["mlship config show -e staging", "what differs in an environment"],
    ],
    async load() {
      const [{ showConfig }, ui] = await Promise.all([
        import("../../commands/config.ts"),
        import("../../ui/config.ts"),
      ]);
      const renderOf = (values: Values) => (values.flag("origin") ? ui.renderConfigOrigins : ui.renderConfig);
      return shown((_values, host, project) => showConfig(host, project), renderOf);
    },
  },
];
