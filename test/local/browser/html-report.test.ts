// The HTML report in a real headless Chromium: on a phone, on a desk, dark, and on paper.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { renderHtml } from "../../../src/validation/html/page.ts";
import {
  classifierReport,
  manyClassesReport,
  numberProfile,
  regressorReport,
} from "../../unit/validation/reports.ts";
import { Chromium, type View } from "./chromium.ts";

const long = "a_column_whose_name_never_ends_".repeat(8);
const features = Array.from({ length: 60 }, (_none, at) => numberProfile(`${long}${at}`));
const plain = classifierReport();
const reports = {
  classifier: plain,
  "twenty classes": manyClassesReport(20),
  "four classes": manyClassesReport(4),
  regressor: regressorReport(),
  "long names": {
    ...plain,
    profile: { ...plain.profile, features },
    slices: plain.slices.map((slice) => ({ ...slice, name: long })),
    gates: plain.gates.map((gate) => ({ ...gate, slice: long })),
  },
};

let folder: string;
let browser: Chromium;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "mlship-html-"));
  browser = await Chromium.open();
});

afterAll(async () => {
  await browser.close();
  await rm(folder, { recursive: true, force: true });
});

async function visit(name: keyof typeof reports, view: View) {
  const file = path.join(folder, `${name}.html`);
  await writeFile(file, renderHtml(reports[name], "fraud 1.4.0"));
  return await browser.visit(file, view);
}

const names = Object.keys(reports) as (keyof typeof reports)[];
const phone = { width: 375, height: 800 };
const desk = { width: 1280, height: 900 };

test.each(names)(
  "%s on a phone: nothing is wider than the screen, asked for or complained about",
  async (name) => {
    const { requests, complaints, evaluate } = await visit(name, phone);
    expect(requests).toEqual([]);
    expect(complaints).toEqual([]);
    expect(await evaluate("document.documentElement.scrollWidth")).toBe(375);
    // What scrolls by itself may be wider; nothing else may.
    const wide = await evaluate<string[]>(`[...document.querySelectorAll("body *")]
    .filter((one) => !one.closest(".scroll, svg, thead") && one.getBoundingClientRect().right > 375.5)
    .map((one) => one.tagName + "." + one.className)`);
    expect(wide).toEqual([]);
  },
);

/** The contrast of each piece of text to the ground that it stands on, the lowest of them. */
const lowestContrast = `(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const parse = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  const groundOf = (one) => {
    for (let at = one; at; at = at.parentElement) {
      const ground = parse(getComputedStyle(at).backgroundColor);
      if (ground[3] === 255) return ground;
    }
    return [255, 255, 255];
  };
  const words = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let lowest = { ratio: 99, what: "" };
  while (words.nextNode()) {
    const one = words.currentNode.parentElement;
    if (!words.currentNode.data.trim() || one.closest("title, desc")) continue;
    const style = getComputedStyle(one);
    const [a, b] = [light(parse(one.closest("svg") ? style.fill : style.color)), light(groundOf(one))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < lowest.ratio) lowest = { ratio, what: one.outerHTML.slice(0, 120) };
  }
  return lowest;
})()`;

test.each(["light", "dark"] as const)("in %s every word can be read", async (scheme) => {
  const { evaluate, complaints } = await visit("classifier", { ...desk, scheme });
  const ground = await evaluate<string>("getComputedStyle(document.body).backgroundColor");
  expect(ground).toBe(scheme === "dark" ? "rgb(15, 20, 25)" : "rgb(255, 255, 255)");
  const lowest = await evaluate<{ ratio: number; what: string }>(lowestContrast);
  expect(lowest.ratio, lowest.what).toBeGreaterThanOrEqual(4.5);
  expect(complaints).toEqual([]);
});

test("every drawing has a name, every table a caption or a region, every link a target", async () => {
  const { evaluate } = await visit("classifier", desk);
  const nameless = await evaluate<number>(`[...document.querySelectorAll("svg[role=img]")]
    .filter((one) => !one.getAttribute("aria-label") && !one.querySelector(":scope > title")).length`);
  expect(nameless).toBe(0);
  const bare = await evaluate<number>(`[...document.querySelectorAll("table")]
    .filter((one) => !one.caption && !one.closest("[role=region]")).length`);
  expect(bare).toBe(0);
  const lost = await evaluate<string[]>(`[...document.querySelectorAll("nav a")]
    .map((one) => one.getAttribute("href")).filter((href) => !document.querySelector(href))`);
  expect(lost).toEqual([]);
});

test("on paper what is folded is shown, and a dark screen prints on white", async () => {
  const { evaluate, pdf } = await visit("long names", { ...desk, scheme: "dark", media: "print" });
  expect(await evaluate("getComputedStyle(document.body).backgroundColor")).toBe("rgb(255, 255, 255)");
  const folded = await evaluate<number>(
    `document.querySelector("details .card").getBoundingClientRect().height`,
  );
  expect(folded).toBeGreaterThan(20);
  expect((await pdf()).subarray(0, 5).toString()).toBe("%PDF-");
});

test("a page that loads or runs something would be seen, and is stopped by its own policy", async () => {
  const file = path.join(folder, "bad.html");
  const page = renderHtml(reports.regressor, "fraud 1.4.0");
  await writeFile(
    file,
    page.replace("<footer>", '<img src="/tmp/x.png"><script>console.log(1)</script><footer>'),
  );
  const { complaints, evaluate } = await browser.visit(file, desk);
  expect(await evaluate("document.scripts.length")).toBe(1);
  expect(complaints.join()).toContain("Content Security Policy");
  expect(complaints.join()).not.toContain('"type":"log"');
});
