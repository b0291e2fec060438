// What PyTorch's pickles may reach: tensors over storages of the same archive, in plain containers.
import { estimators, type AllowList } from "./allow-list.ts";
import { odd, Refused, type Call } from "./calls.ts";
import { Global, Opaque, PyDict, PyList, PyTuple, type Permission, type Value } from "./values.ts";

const storage =
  /^torch\.((Float|Double|Half|BFloat16|Long|Int|Short|Char|Byte|Bool|ComplexFloat|ComplexDouble|Quantized|QInt8|QUInt8|QInt32)Storage|storage\.(Untyped|Typed)Storage)$/;
const dtype =
  /^torch\.(float(16|32|64)?|double|half|bfloat16|u?int(8|16|32|64)|short|int|long|bool|complex(32|64|128)|q(u?int8|int32)|float8_\w+|per_tensor_affine|per_channel_affine|strided|contiguous_format|preserve_format|channels_last)$/;
/** Modules whose plain data PyTorch's pickles share with those of estimators. */
const shared = /^(builtins|collections|_codecs|numpy(\..*)?)$/;

/** A tensor over a storage; hooks would be functions. */
const tensor: Call = ([data, offset, size, strides, , hooks]) => {
  const fits = isData(data) && isCount(offset) && isShape(size) && isShape(strides);
  return fits && noHooks(hooks) ? new Opaque(false) : odd;
};

const parameter: Call = ([data, , hooks]) => (isData(data) && noHooks(hooks) ? new Opaque(false) : odd);

/** Numbers, texts and tuples of them: sizes, devices. */
const plain: Call = (args) => (args.every((value) => isPlain(value, 0)) ? new Opaque(false) : odd);

/** TorchScript tags its lists with their types. */
const list: Call = ([items]) => (items instanceof PyList ? items : odd);
const tagged: Call = ([value, type]) => (typeof type === "string" && value !== undefined ? value : odd);

const functions: ReadonlyMap<string, Call> = new Map([
  ["torch._utils._rebuild_tensor_v2", tensor],
  ["torch._utils._rebuild_parameter", parameter],
  ["torch.Size", plain],
  ["torch.device", plain],
]);

const scriptFunctions: ReadonlyMap<string, Call> = new Map([
  ...functions,
  ...["int", "tensor", "double", "bool"].map((kind): [string, Call] => [
    `torch.jit._pickle.build_${kind}list`,
    list,
  ]),
  ["torch.jit._pickle.restore_type_tag", tagged],
]);

function listOf(calls: ReadonlyMap<string, Call>, isClass: (qualified: string) => boolean): AllowList {
  return {
    dialect: "python",
    permissionOf(module, name): Permission | null {
      const qualified = `${module}.${name}`;
      if (calls.has(qualified)) return "function";
      if (storage.test(qualified) || dtype.test(qualified)) return "value";
      if (isClass(qualified)) return "class";
      return shared.test(module) ? estimators.permissionOf(module, name) : null;
    },
    callOf: (name) => calls.get(name) ?? estimators.callOf(name),
    persistent: readStorage,
  };
}

/** Pickles that `torch.load` reads: state_dicts and checkpoints. */
export const torchData: AllowList = listOf(functions, () => false);

/** Pickles that TorchScript's own reader reads: its classes are those in the archive's code. */
export const torchScript: AllowList = listOf(
  scriptFunctions,
  (qualified) => qualified.startsWith("__torch__.") && !qualified.startsWith("__torch__.torch.classes."),
);

/** `("storage", type, key, device, count)`: bytes of the archive's member `data/<key>`. */
function readStorage(id: Value): Value | Refused {
  const [word, type, key, device, count] = id instanceof PyTuple ? id.items : [];
  const known =
    word === "storage" &&
    type instanceof Global &&
    typeof key === "string" &&
    /^\w{1,64}$/.test(key) &&
    typeof device === "string" &&
    /^[a-z]{1,16}(:\d{1,4})?$/.test(device) &&
    isCount(count);
  return known
    ? new Opaque(false)
    : new Refused("it asks for a storage in a way that PyTorch does not write");
}

function isData(value: Value | undefined): boolean {
  return value instanceof Opaque;
}

function isCount(value: Value | undefined): boolean {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isShape(value: Value | undefined): boolean {
  return value instanceof PyTuple && value.items.length <= 64 && value.items.every(isCount);
}

function noHooks(value: Value | undefined): boolean {
  return value === undefined || value === null || (value instanceof PyDict && value.entries.size === 0);
}

function isPlain(value: Value, depth: number): boolean {
  if (value instanceof PyTuple) return depth < 2 && value.items.every((item) => isPlain(item, depth + 1));
  return value === null || typeof value !== "object";
}
