// What of a model's signature differs between two versions, and whether those who call it notice.
import type { Bundle } from "./bundle.ts";
import type { ColumnType, InputColumn, Label } from "./model.ts";
import { quote } from "./reading.ts";

/** What a model takes and what it answers, as callers of its server see it. */
export type CalledAs = Pick<Bundle, "task" | "classes" | "outputs" | "inputs">;

/** One difference, told from the earlier version to the later one. */
export interface SignatureChange {
  /**
   * `break`: a request that was taken would be refused, or an answer has another meaning.
   * `addition`: all that was taken is taken as before, and more.
   */
  kind: "break" | "addition";
  /** A sentence without a full stop. */
  what: string;
}

/**
 * Every difference that a caller can see: inputs by name, then the answers. The order of inputs is
 * none, since callers name them. What the server takes decides: unknown columns are refused, so an
 * input that is gone breaks its callers as a new one does that must be given.
 */
export function signatureChanges(before: CalledAs, after: CalledAs): SignatureChange[] {
  const was = new Map(before.inputs.map((input) => [input.name, input]));
  const is = new Map(after.inputs.map((input) => [input.name, input]));
  const gone = before.inputs.filter(({ name }) => !is.has(name));
  return [
    ...gone.map(({ name }) => breaking(`the input ${quote(name)} is gone`)),
    ...after.inputs.flatMap((input) => inputChanges(was.get(input.name), input)),
    ...answerChanges(before, after),
  ];
}

function inputChanges(before: InputColumn | undefined, { name, type, nullable }: InputColumn) {
  const input = `the input ${quote(name)}`;
  if (before === undefined) {
    const what = `${input} is new and ${nullable ? "may be left out" : "must be given"}`;
    return [nullable ? addition(what) : breaking(what)];
  }
  const changes: SignatureChange[] = [];
  if (before.type !== type) {
    const what = `${input} is ${type} instead of ${before.type}`;
    changes.push(takesAll(before.type, type) ? addition(what) : breaking(what));
  }
  if (before.nullable && !nullable) changes.push(breaking(`${input} may not be left out any more`));
  if (!before.nullable && nullable) changes.push(addition(`${input} may be left out`));
  return changes;
}

/** Numbers from narrow to wide: the server takes for each what it takes for those before it. */
const numbers: readonly ColumnType[] = ["int64", "float32", "float64"];

function takesAll(before: ColumnType, after: ColumnType): boolean {
  return numbers.includes(before) && numbers.indexOf(after) > numbers.indexOf(before);
}

function answerChanges(before: CalledAs, after: CalledAs): SignatureChange[] {
  if (before.task !== after.task) return [breaking(`it answers ${after.task} instead of ${before.task}`)];
  const changes: SignatureChange[] = [];
  const [had, has] = [before.outputs ?? 1, after.outputs ?? 1];
  if (had !== has) changes.push(breaking(`it answers ${has} numbers for a row instead of ${had}`));
  return [...changes, ...classChanges(before.classes, after.classes)];
}

/** Classes of one kind that are told. */
const mostListed = 8;

/** Callers read a label, or a probability by its place. */
function classChanges(before: CalledAs["classes"], after: CalledAs["classes"]): SignatureChange[] {
  const [had, has] = [before, after].map((classes) => classes?.map((label) => JSON.stringify(label)) ?? []);
  const gone = (before ?? []).filter((label) => !has?.includes(JSON.stringify(label)));
  const added = (after ?? []).filter((label) => !had?.includes(JSON.stringify(label)));
  const moved = gone.length + added.length === 0 && had?.join() !== has?.join();
  return [
    ...(gone.length > 0 ? [breaking(`it has no class ${listed(gone)} any more`)] : []),
    ...(added.length > 0 ? [breaking(`it answers the class ${listed(added)} as well`)] : []),
    ...(moved ? [breaking("its probabilities stand in another order of the classes")] : []),
  ];
}

function listed(labels: readonly Label[]): string {
  const shown = labels
    .slice(0, mostListed)
    .map((label) => (typeof label === "string" ? quote(label) : label));
  const more = labels.length - shown.length;
  return `${shown.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

const breaking = (what: string): SignatureChange => ({ kind: "break", what });
const addition = (what: string): SignatureChange => ({ kind: "addition", what });
