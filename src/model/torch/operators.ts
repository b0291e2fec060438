// Which of PyTorch's own operators a model may name: those that compute, none that reaches files or other processes.

/** Namespaces of compiled operators on tensors, lists, texts and numbers. */
const computing = new Set(["aten", "prims", "quantized"]);

/** Operators of these are read one by one: among others, `prim` calls Python and remote processes. */
const prim = new Set(
  (
    "NumToTensor RaiseException TupleIndex TupleUnpack Uninitialized abs data device dtype grad is_cpu is_cuda " +
    "is_meta is_mkldnn is_nested is_quantized is_sparse is_sparse_csr is_xpu itemsize layout max min name nbytes " +
    "rangelist requires_grad tolist type unchecked_cast unchecked_unwrap_optional EnumName EnumValue StringIndex"
  ).split(" "),
);

/**
 * Words in the names of operators that reach further than memory: `aten::save` writes a file and
 * `aten::from_file` maps one. Whatever a later PyTorch adds under such a name is refused, too.
 */
const reaching =
  /(^|_)(save|load|file|path|open|read|write|exec|system|rpc|pickle|unpickle|import|python|dist_backward)(_|$)/i;

/** Whether `namespace::name` only computes. */
export function computes(namespace: string, name: string): boolean {
  if (namespace === "prim") return prim.has(name);
  return computing.has(namespace) && /^\w{1,100}$/.test(name) && !reaching.test(name);
}

/** Operators that any value offers as a method, and that no attribute may be called like. */
export const reachingMethods: ReadonlySet<string> = new Set(["save", "from_file", "dist_backward"]);
