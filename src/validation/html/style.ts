// The page's style: light, dark, on a phone and on paper. Colours are pairs with a contrast of at least 4.5 to their ground.

const light = `--ground:#ffffff;--panel:#f6f8fa;--text:#1c2128;--muted:#57606a;--line:#d0d7de;--grid:#e7ebef;
--pass:#116329;--fail:#a40e26;--warn:#7a4a00;--series:#0b5cad;--second:#a34700;--shade:#dff3e4;`;
const dark = `--ground:#0f1419;--panel:#171d24;--text:#e6edf3;--muted:#9fabb8;--line:#38414b;--grid:#232b34;
--pass:#56d364;--fail:#ff8a80;--warn:#e3b341;--series:#6cb6ff;--second:#ffa657;--shade:#16301e;`;

/** Lines of several classes: eight colours, then the same with dashes. */
const lines = ["#0b5cad", "#a34700", "#11703a", "#8b2fa8", "#a40e26", "#00707f", "#6b5300", "#555b66"];
const darkLines = ["#6cb6ff", "#ffa657", "#56d364", "#d2a8ff", "#ff8a80", "#4fd1dd", "#e3b341", "#b6c0cb"];

const lineColours = (colours: readonly string[]) =>
  colours.map((colour, at) => `--line${at}:${colour};`).join("");

export const css = `
:root{color-scheme:light dark;${light}${lineColours(lines)}}
@media (prefers-color-scheme:dark){:root{${dark}${lineColours(darkLines)}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;overflow-wrap:anywhere}
main,header.top,footer,nav{max-width:1080px;margin:0 auto;padding:0 20px}
header.top{padding-top:28px}
h1{font-size:1.05rem;font-weight:600;color:var(--muted);margin:0 0 2px}
.verdict{font-size:2rem;font-weight:700;line-height:1.2;margin:0}
.verdict.pass{color:var(--pass)}.verdict.fail{color:var(--fail)}.verdict.inconclusive{color:var(--warn)}
.facts{color:var(--muted);margin:6px 0 0}
nav{margin-top:16px;display:flex;flex-wrap:wrap;gap:6px 18px;font-size:.9rem}
a{color:var(--series);text-decoration-thickness:1px;text-underline-offset:3px}
a:focus-visible,summary:focus-visible,[tabindex]:focus-visible{outline:2px solid var(--series);outline-offset:2px}
section{padding-top:30px}
h2{font-size:1.2rem;margin:0 0 10px;padding-bottom:6px;border-bottom:1px solid var(--line)}
h3{font-size:1rem;margin:22px 0 6px}
p{margin:0 0 10px;max-width:75ch}
.muted{color:var(--muted)}
ul.reasons{list-style:none;margin:14px 0;padding:0}
ul.reasons li{border-left:3px solid var(--muted);padding:2px 0 2px 12px;margin:0 0 10px;max-width:85ch}
ul.reasons li.fail,ul.reasons li.error{border-color:var(--fail)}
ul.reasons li.inconclusive,ul.reasons li.warn{border-color:var(--warn)}
.status{font-weight:700;font-size:.85rem;white-space:nowrap}
.status.pass{color:var(--pass)}.status.fail,.status.error{color:var(--fail)}.status.inconclusive,.status.warn{color:var(--warn)}.status.skipped{color:var(--muted)}
table.rows{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums;margin:0 0 18px}
caption{text-align:left;color:var(--muted);font-size:.9rem;padding:0 0 6px}
th,td{padding:5px 14px 5px 0;text-align:left;vertical-align:middle;border-bottom:1px solid var(--grid)}
thead th{color:var(--muted);font-weight:500;font-size:.85rem;border-bottom-color:var(--line);white-space:nowrap}
th.number,td.number{text-align:right;white-space:nowrap}
td.picture{width:190px;padding-right:0}
tr.found td{color:var(--muted)}
svg{display:block;width:100%;height:auto}
svg.interval{max-width:180px;--ink:var(--series)}
svg.interval.pass,svg.interval.better{--ink:var(--pass)}
svg.interval.fail,svg.interval.error,svg.interval.worse{--ink:var(--fail)}
svg.interval.inconclusive{--ink:var(--warn)}
svg.interval.found,svg.interval.skipped{--ink:var(--muted)}
.interval .track{stroke:var(--line);stroke-width:1}
.interval .mark{stroke:var(--text);stroke-width:1.5}
.interval .allowed{fill:var(--shade)}
.interval .range{stroke:var(--ink);stroke-width:4;stroke-linecap:round;opacity:.55}
.interval .point{fill:var(--ink);stroke:var(--ground);stroke-width:1.5}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:18px}
figure{margin:0;padding:14px;background:var(--panel);border:1px solid var(--line);border-radius:8px;min-width:0;max-width:620px}
figcaption{margin-bottom:8px;font-size:.9rem}
figcaption strong{display:block;font-size:1rem}
.chart text{font-size:13px;fill:var(--muted)}
.chart text.axis{fill:var(--text)}
.chart .grid{stroke:var(--grid);stroke-width:1}
.chart .diagonal{stroke:var(--muted);stroke-width:1;stroke-dasharray:4 4}
.chart polyline{fill:none;stroke:var(--series);stroke-width:2;stroke-linejoin:round}
${Array.from({ length: 20 }, (_none, at) => lineRule(at)).join("\n")}
.chart .bar,.spark .bar{fill:var(--series)}
.chart .bar.pale{opacity:.35}
.chart .dot{fill:var(--series);opacity:.45}
.chart .bin{fill:var(--series);stroke:var(--ground);stroke-width:1.5}
.chart .zero{stroke:var(--text);stroke-width:1}
.chart .cell{fill:color-mix(in srgb,var(--series) calc(var(--share)*90% + 10%),var(--panel))}
.legend{list-style:none;margin:8px 0 0;padding:0;display:flex;flex-wrap:wrap;gap:2px 14px;font-size:.85rem}
.legend svg{display:inline-block;width:22px;height:8px;margin-right:5px;vertical-align:middle}
.legend line{stroke-width:3}
table.confusion{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.9rem;width:100%}
table.confusion th,table.confusion td{border:1px solid var(--line);padding:6px 8px;text-align:right}
table.confusion th{font-weight:500;color:var(--muted);white-space:normal}
table.confusion td{background:color-mix(in srgb,var(--series) calc(var(--share)*45%),var(--ground))}
table.confusion td.right{font-weight:700}
.scroll{overflow-x:auto;max-width:100%}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,220px),1fr));gap:12px;margin:0 0 16px}
.card{padding:10px 12px;background:var(--panel);border:1px solid var(--line);border-radius:8px;min-width:0;font-size:.85rem}
.card strong{display:block;font-size:.9rem}
.card .spark{margin:6px 0 2px;height:44px;width:100%}
.card ol{list-style:none;margin:6px 0 0;padding:0}
.card li{display:flex;justify-content:space-between;gap:8px;background:linear-gradient(to right,color-mix(in srgb,var(--series) 25%,var(--panel)) calc(var(--share)*100%),transparent 0);padding:0 4px}
.ends{display:flex;justify-content:space-between;gap:8px;color:var(--muted)}
details{margin:0 0 14px}
summary{cursor:pointer;color:var(--series);padding:4px 0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:3px 18px;margin:0 0 14px}
dt{color:var(--muted)}dd{margin:0;min-width:0}
code,pre{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.85em}
pre{background:var(--panel);border:1px solid var(--line);border-radius:8px;padding:12px;white-space:pre-wrap;margin:0 0 14px}
footer{padding-top:30px;padding-bottom:40px;color:var(--muted);font-size:.85rem}
@media (max-width:640px){
main,header.top,footer,nav{padding-left:14px;padding-right:14px}
.verdict{font-size:1.6rem}
table.rows,table.rows tbody,table.rows tr,table.rows td{display:block}
table.rows thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
table.rows caption{display:block}
table.rows tr{border:1px solid var(--line);border-radius:8px;padding:8px 12px;margin:0 0 8px}
table.rows td{border:0;padding:1px 0;display:flex;gap:12px;justify-content:space-between;text-align:right;white-space:normal}
table.rows td:empty{display:none}
table.rows td::before{content:attr(data-label);color:var(--muted);text-align:left;flex:none}
table.rows td.picture{width:auto}
dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:6px}
}
@media print{
:root{color-scheme:light;${light}${lineColours(lines)}}
body{font-size:11px}
nav{display:none}
section{padding-top:18px}
figure,.card,tr,li{break-inside:avoid}
h2,h3,caption{break-after:avoid}
.figures{grid-template-columns:1fr 1fr}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}
details::details-content{content-visibility:visible;display:block;height:auto}
summary{color:var(--muted)}
}
`;

function lineRule(at: number): string {
  const dashes = ["", ";stroke-dasharray:7 4", ";stroke-dasharray:2 3"][Math.floor(at / lines.length)] ?? "";
  return `.chart polyline.l${at},.legend line.l${at}{stroke:var(--line${at % lines.length})${dashes}}`;
}
