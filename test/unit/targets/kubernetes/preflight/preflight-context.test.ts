// Which cluster is meant, and when a person is asked.
import { expect, test } from "vitest";
import { assessContext } from "../../../../../src/targets/kubernetes/preflight/context.ts";

const kubeconfig = (current: string | null, ...names: string[]) => ({
  current,
  contexts: names.map((name) => ({ name, server: `https://${name}.example`, namespace: "default" })),
});

test("one context is used without a doubt", () => {
  expect(assessContext(kubeconfig("kind", "kind"), { context: null, namespace: "ml" })).toEqual({
    context: "kind",
    server: "https://kind.example",
    namespace: "ml",
    doubts: [],
  });
});

test("several contexts and no choice are doubted; a choice settles it", () => {
  const several = kubeconfig("a", "a", "b", "c");
  const { context, doubts } = assessContext(several, { context: null, namespace: "ml" });
  expect(context).toBe("a");
  expect(doubts).toHaveLength(1);
  expect(doubts[0]).toContain("(b, c)");
  expect(assessContext(several, { context: "b", namespace: "ml" }).doubts).toEqual([]);
});

test.each(["prod", "gke_acme_europe-west1_production", "PROD-eu", "eks/live", "ml-prd-2"])(
  "%s looks like production, as a context and as a namespace",
  (name) => {
    expect(assessContext(kubeconfig(name, name), { context: name, namespace: "ml" }).doubts).toHaveLength(1);
    expect(
      assessContext(kubeconfig("kind", "kind"), { context: "kind", namespace: name }).doubts,
    ).toHaveLength(1);
  },
);

test.each(["product-search", "delivery", "staging", "reproduce", "alive"])("%s does not", (name) => {
  expect(assessContext(kubeconfig(name, name), { context: name, namespace: "ml" }).doubts).toEqual([]);
});

test("a context that is not there is refused with those that are", () => {
  const call = () => assessContext(kubeconfig("a", "a", "b"), { context: "z", namespace: "ml" });
  expect(call).toThrow(
    expect.objectContaining({ code: "kubernetes.context", exit: "usage", why: "it has a, b" }),
  );
  const gone = () => assessContext(kubeconfig("gone", "a"), { context: null, namespace: "ml" });
  expect(gone).toThrow(expect.objectContaining({ code: "kubernetes.context" }));
  const none = () => assessContext(kubeconfig(null, "a"), { context: null, namespace: "ml" });
  expect(none).toThrow(expect.objectContaining({ what: "no context is chosen" }));
});

test("an empty kubeconfig is a matter of its own", () => {
  const call = () => assessContext(kubeconfig(null), { context: null, namespace: "ml" });
  expect(call).toThrow(expect.objectContaining({ code: "kubernetes.kubeconfig", exit: "unavailable" }));
});
