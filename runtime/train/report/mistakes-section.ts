/** The surest mistakes of the validation split as pictures with what they are, and what they were taken for. */
import type { Mistake } from '../loop/mistakes.ts';
import { escapeHtml } from './html.ts';
import { shortNumber } from './ticks.ts';

/** How a person finds a sample again. */
export interface ShownSample {
  readonly name: string;
  /** Address of the picture, as in `data:image/png;base64,...`; undefined where the sample is no picture. */
  readonly picture: string | undefined;
}

export type ShownMistake = Mistake & ShownSample;

/** Empty where there are none. `names` may be fewer than the classes; numbers stand for the rest. */
export function mistakesSection(mistakes: readonly ShownMistake[], names: readonly string[]): string {
  const nameOf = (at: number): string => names[at] ?? `class ${at}`;
  return mistakes
    .map(({ name, picture, label, predicted, probability }) => {
      const image = picture === undefined ? '' : `<img src="${escapeHtml(picture)}" alt="${escapeHtml(name)}">`;
      const text = `${nameOf(label)}, taken for ${nameOf(predicted)}, ${shortNumber(probability * 100)}%`;
      return `<figure>${image}<figcaption>${escapeHtml(text)}<br><span class="soft">${escapeHtml(name)}</span></figcaption></figure>`;
    })
    .join('\n');
}
