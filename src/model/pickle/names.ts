// The name of a global as a finding shows it, and whether it is one that plain code could have.
import { currentModule } from "./allowed.ts";
import { quote } from "../reading.ts";

/** Characters; longer ones are cut before they are looked at. */
const longest = 300;

/** A name of letters, digits and dots is `plain` when only its module has dots. */
export function nameOf(
  oldModule: string,
  name: string,
): { qualified: string; module: string; plain: boolean } {
  const module = currentModule(oldModule);
  const short = module.length + name.length < longest;
  const full = short ? `${module}.${name}` : `${module.slice(0, longest)}.${name.slice(0, longest)}`;
  const isName = short && /^[A-Za-z_][A-Za-z0-9_.]*$/.test(full);
  return { qualified: isName ? full : quote(full), module, plain: isName && !name.includes(".") };
}
