/** Railroad diagrams of the grammar as one SVG: tokens in rounded boxes, rules in square ones, tracks between. */
import type { Production, Rule } from './grammar.ts';

/** A piece of track: it enters at the left and leaves at the right, at the height 0. */
interface Piece {
  readonly width: number;
  /** Extents above and below the track. */
  readonly up: number;
  readonly down: number;
  draw(x: number, y: number): string;
}

const letter = 7.3;
const boxHeight = 22;
const gap = 10;
const radius = 8;
const row = 8;

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

const track = (path: string): string => `<path d="${path}"/>`;

function box(text: string, kind: 'rule' | 'token' | 'text'): Piece {
  const width = text.length * letter + 18;
  return {
    width,
    up: boxHeight / 2,
    down: boxHeight / 2,
    draw: (x, y) =>
      `<rect class="${kind}" x="${x}" y="${y - boxHeight / 2}" width="${width}" height="${boxHeight}" rx="${kind === 'rule' ? 2 : 11}"/>` +
      `<text x="${x + width / 2}" y="${y + 4}">${escape(text)}</text>`,
  };
}

const empty: Piece = { width: 0, up: 0, down: 0, draw: () => '' };

function sequence(parts: readonly Piece[]): Piece {
  const width = parts.reduce((sum, part) => sum + part.width, gap * Math.max(0, parts.length - 1));
  return {
    width,
    up: Math.max(0, ...parts.map(({ up }) => up)),
    down: Math.max(0, ...parts.map(({ down }) => down)),
    draw(x, y) {
      let at = x;
      return parts
        .map((part, index) => {
          const link = index === 0 ? '' : track(`M${at - gap} ${y}h${gap}`);
          const drawn = link + part.draw(at, y);
          at += part.width + gap;
          return drawn;
        })
        .join('');
    },
  };
}

/** Alternatives below each other; the first keeps the height of the track. */
function choice(parts: readonly Piece[]): Piece {
  const inner = Math.max(...parts.map(({ width }) => width));
  const offsets: number[] = [];
  let down = 0;
  parts.forEach((part, index) => {
    offsets.push(index === 0 ? 0 : down + row + Math.max(part.up, radius));
    down = (offsets[index] ?? 0) + part.down;
  });
  const side = 2 * radius;
  return {
    width: inner + 2 * side,
    up: parts[0]?.up ?? 0,
    down,
    draw: (x, y) =>
      parts
        .map((part, index) => {
          const offset = offsets[index] ?? 0;
          const end = x + side + part.width;
          const rest = inner - part.width;
          if (index === 0)
            return `${track(`M${x} ${y}h${side}`)}${part.draw(x + side, y)}${track(`M${end} ${y}h${rest + side}`)}`;
          const drop = offset - 2 * radius;
          const enter = `M${x} ${y}a${radius} ${radius} 0 0 1 ${radius} ${radius}v${drop}a${radius} ${radius} 0 0 0 ${radius} ${radius}`;
          const leave = `M${end} ${y + offset}h${rest}a${radius} ${radius} 0 0 0 ${radius} ${-radius}v${-drop}a${radius} ${radius} 0 0 1 ${radius} ${-radius}`;
          return track(enter) + part.draw(x + side, y + offset) + track(leave);
        })
        .join(''),
  };
}

/** A track above the piece that leads past it. */
function optional(part: Piece): Piece {
  const rise = Math.max(part.up + row, 2 * radius);
  const side = 2 * radius;
  return {
    width: part.width + 2 * side,
    up: rise,
    down: part.down,
    draw(x, y) {
      const climb = rise - 2 * radius;
      const past = `M${x} ${y}a${radius} ${radius} 0 0 0 ${radius} ${-radius}v${-climb}a${radius} ${radius} 0 0 1 ${radius} ${-radius}h${part.width}a${radius} ${radius} 0 0 1 ${radius} ${radius}v${climb}a${radius} ${radius} 0 0 0 ${radius} ${radius}`;
      return `${track(past)}${track(`M${x} ${y}h${side}`)}${part.draw(x + side, y)}${track(`M${x + side + part.width} ${y}h${side}`)}`;
    },
  };
}

/** A track below the piece that leads back to its start. */
function repeated(part: Piece): Piece {
  const fall = Math.max(part.down + row, 2 * radius);
  return {
    width: part.width + 2 * radius,
    up: part.up,
    down: fall,
    draw(x, y) {
      const [from, drop] = [x + radius + part.width, fall - 2 * radius];
      const back = `M${from} ${y}a${radius} ${radius} 0 0 1 ${radius} ${radius}v${drop}a${radius} ${radius} 0 0 1 ${-radius} ${radius}h${-part.width}a${radius} ${radius} 0 0 1 ${-radius} ${-radius}v${-drop}a${radius} ${radius} 0 0 1 ${radius} ${-radius}`;
      return `${track(back)}${track(`M${x} ${y}h${radius}`)}${part.draw(x + radius, y)}${track(`M${from} ${y}h${radius}`)}`;
    },
  };
}

function pieceOf(production: Production): Piece {
  switch (production.kind) {
    case 'rule':
    case 'token':
    case 'text':
      return box(production.text, production.kind);
    case 'sequence':
      return production.parts.length === 0 ? empty : sequence(production.parts.map(pieceOf));
    case 'choice':
      return choice(production.parts.map(pieceOf));
    case 'optional':
      return optional(pieceOf(production.part));
    case 'many':
      return optional(repeated(pieceOf(production.part)));
    case 'some':
      return repeated(pieceOf(production.part));
  }
}

const style =
  'svg{background:#fff}path{fill:none;stroke:#52606d;stroke-width:1.4}text{font:12px ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;text-anchor:middle;fill:#1f2933}' +
  'text.name{font-weight:bold;text-anchor:start}rect{stroke:#52606d}rect.rule{fill:#d6e6fb}rect.token{fill:#fdeecb}rect.text{fill:#eceff1}';

/** All rules below each other. */
export function railroadSvg(rules: readonly Rule[]): string {
  const margin = 16;
  const pieces = rules.map(({ name, body }) => ({ name, piece: sequence([pieceOf(body)]) }));
  let y = margin;
  const drawn = pieces.map(({ name, piece }) => {
    const line = y + 20 + piece.up;
    const end = margin + 20 + piece.width;
    const text = `<text class="name" x="${margin}" y="${y + 12}">${escape(name)}</text>`;
    const ends = `${track(`M${margin} ${line - 6}v12M${margin} ${line}h20`)}${track(`M${end} ${line}h20m0 -6v12`)}`;
    y = line + piece.down + 28;
    return `<g>${text}${ends}${piece.draw(margin + 20, line)}</g>`;
  });
  const width = Math.ceil(Math.max(...pieces.map(({ piece }) => piece.width)) + 40 + 2 * margin);
  const size = `width="${width}" height="${y}" viewBox="0 0 ${width} ${y}"`;
  return `<svg xmlns="http://www.w3.org/2000/svg" ${size}>\n<style>${style}</style>\n${drawn.join('\n')}\n</svg>\n`.replaceAll(
    /(\d+\.\d{3,})/g,
    (number) => String(Number(Number(number).toFixed(2))),
  );
}
