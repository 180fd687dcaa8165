/** The style sheet of a training report, light and dark. */
export const reportStyle = `
:root { color-scheme: light dark; --paper: #fdfdfc; --ink: #1d2126; --soft: #667078; --rule: #dfe3e6;
  --c0: #1668b8; --c1: #c2571a; --c2: #2b8a4b; --c3: #8a4fb5; --c4: #b3933a; --c5: #39909c; }
@media (prefers-color-scheme: dark) { :root { --paper: #15181b; --ink: #e4e7e9; --soft: #97a1a8; --rule: #31373c;
  --c0: #62a8ea; --c1: #f0985f; --c2: #6cc98b; --c3: #bf93e3; --c4: #dcbf6b; --c5: #6fc6d1; } }
body { margin: 2rem auto; max-width: 84rem; padding: 0 1.5rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2.2rem 0 .6rem; }
h3 { font-size: .95rem; margin: 0; font-weight: 600; }
p { margin: .3rem 0; } .soft { color: var(--soft); }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 30rem), 1fr)); gap: 1.5rem; }
figure { margin: 0; } figcaption { display: flex; gap: 1rem; flex-wrap: wrap; align-items: baseline; }
.legend { display: flex; gap: .9rem; margin: 0; padding: 0; list-style: none; color: var(--soft); font-size: .85rem; }
.legend i { display: inline-block; width: .9rem; height: .2rem; margin-right: .35rem; vertical-align: middle; }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--soft); font-size: 11px; }
polyline { fill: none; stroke-width: 1.8; stroke-linejoin: round; } .faint { stroke-width: 1; opacity: .4; }
.grid { stroke: var(--rule); } .marker { stroke: var(--soft); stroke-dasharray: 4 3; }
${[0, 1, 2, 3, 4, 5].map((at) => `polyline.s${at} { stroke: var(--c${at}); } circle.s${at} { fill: var(--c${at}); } i.s${at} { background: var(--c${at}); }`).join('\n')}
table { border-collapse: collapse; font-size: .87rem; font-variant-numeric: tabular-nums; }
th { font-weight: 500; text-align: left; color: var(--soft); } th, td { padding: .2rem .6rem; }
.figures td, .confusion td { text-align: right; } .wide { overflow-x: auto; }
.figures tr, .settings tr { border-top: 1px solid var(--rule); } .figures .best td { font-weight: 700; }
.confusion td { background: color-mix(in srgb, var(--c0) var(--share, 0%), transparent); min-width: 2.2rem;
  border: 1px solid var(--rule); }
.mistakes { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: 1rem; font-size: .85rem; }
.mistakes img { width: 8rem; height: 8rem; object-fit: contain; background: var(--rule); }
.mistakes figcaption { display: block; overflow-wrap: anywhere; }
.confusion td.figure { border: 0; background: none; color: var(--soft); }
`;
