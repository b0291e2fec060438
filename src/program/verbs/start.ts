// The verbs that begin a project.
import { storeRoles, type StoreRole } from "../../artifacts/policy.ts";
import { shown, type Values, type Verb } from "../verb.ts";

/** For whom the policy is that `doctor --policy` prints. */
const policyRole = (values: Values): StoreRole | undefined =>
  values.flag("policy") ? "writer" : storeRoles.find((role) => role === values.text("policy"));

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
  {
    name: "doctor",
    group: "Start",
    summary: "check everything that the project needs",
    about:
      "Looks at mlship.yaml, model and data, Python, the store, and what the target needs: Docker, the registry, the cluster. Each is looked at whatever is wrong with the others, and what is wrong is told with its cure. Exit 5 when anything is missing or refused. The store is opened as a deploy would: at its first use it is tried out and begun.",
    flags: [
      {
        flags: "--policy [role]",
        about: "print the least IAM policy for the store's users instead (default: writer)",
        choices: [...storeRoles],
      },
    ],
    examples: [
      ["mlship doctor", "is all there?"],
      ["mlship doctor -e staging", "for another environment"],
      ["mlship doctor --policy", "what AWS must allow to whoever deploys"],
      ["mlship doctor --policy pod > policy.json", "what it must allow to the servers"],
    ],
    async load() {
      const [{ doctor }, { policy }, ui] = await Promise.all([
        import("../../commands/doctor.ts"),
        import("../../commands/policy.ts"),
        import("../../ui/doctor.ts"),
      ]);
      const examine = shown(
        (_values, host, project) => doctor(host, project),
        () => ui.renderDoctor,
      );
      const print = (role: StoreRole) =>
        shown(
          (_values, host, project) => policy(role, host, project),
          () => ui.renderPolicy,
        );
      return async (values, host, project) => {
        const role = policyRole(values);
        return await (role === undefined ? examine : print(role))(values, host, project);
      };
    },
  },
];
