/** Checked settings as text: equal texts mean the same, wherever they stand and however they were written. */
import type { Setting, Settings } from '../../analyze/directives/directive-values.ts';

export function settingText(setting: Setting): string {
  switch (setting.kind) {
    case 'number':
      return setting.quantity === 'share' ? percent(setting.value) : `${setting.value}${unitOf(setting.quantity)}`;
    case 'bool':
      return String(setting.value);
    case 'string':
      return JSON.stringify(setting.value);
    case 'name':
      return setting.value;
    case 'call':
      return `${setting.name}(${entriesText(setting.args)})`;
    case 'list':
      return `[${setting.elements.map(settingText).join(', ')}]`;
    case 'group':
      return `{ ${[entriesText(setting.entries), ...setting.items.map(settingText)].filter(Boolean).join(', ')} }`;
    case 'sum':
      return setting.terms
        .map(({ weight, loss }) => `${weight === 1 ? '' : `${weight} * `}${settingText(loss)}`)
        .join(' + ');
    case 'model': {
      const args = Object.entries(setting.args).map(([name, value]) => `${name}=${value}`);
      const file = setting.file === undefined ? '' : ` @ ${JSON.stringify(setting.file)}`;
      return `${setting.name}(${args.toSorted().join(', ')})${file}`;
    }
  }
}

const entriesText = (settings: Settings): string =>
  [...settings]
    .map(([key, value]) => `${key}=${settingText(value)}`)
    .toSorted()
    .join(', ');

/** A length without a unit counts epochs. */
const unitOf = (quantity: Extract<Setting, { kind: 'number' }>['quantity']): string =>
  quantity === 'steps' ? quantity : '';

/** 1 may be one sample, or the share that is all. Twelve digits hide what a hundredfold adds by rounding. */
const percent = (share: number): string => `${Number((share * 100).toPrecision(12))}%`;
