/** What a row of the tables of other frameworks' names holds, and how names are compared. */

export interface Foreign {
  /** As PyTorch, torchvision, Keras or ONNX write it. */
  readonly names: readonly string[];
  /** How it is written here: right as it stands in a place of its table. Absent where nothing here comes near. */
  readonly here?: string;
  /** Whether there is no such thing here; `here` then computes the same, or is the nearest thing, as the note says. */
  readonly isMissing?: true;
  /** What differs, or what there is instead: a sentence without its full stop. */
  readonly note?: string;
}

/** A row for what exists here; names are separated by blanks. */
export const called = (names: string, here: string, note?: string): Foreign => ({
  names: names.split(' '),
  here,
  ...(note === undefined ? {} : { note }),
});

/** A row for what does not exist here. */
export const missing = (names: string, note: string, here?: string): Foreign => ({
  names: names.split(' '),
  isMissing: true,
  note,
  ...(here === undefined ? {} : { here }),
});

/** The last part of a name in lower case, without `_`: `F.max_pool2d` and `MaxPool2d` agree. */
const lowerName = (name: string): string =>
  name
    .slice(name.lastIndexOf('.') + 1)
    .toLowerCase()
    .replaceAll('_', '');

/** The same without the `2d` at its end: `nn.Conv2d`, `conv_2d` and `Conv` agree. */
export const plainName = (name: string): string => lowerName(name).replace(/2d$/, '');

/** Finds the row of a name; with `2d` and without are the same where no row tells them apart. */
export function tableOf(rows: readonly Foreign[]): (name: string) => Foreign | undefined {
  const named = rows.flatMap((row) => row.names.map((name) => [name, row] as const));
  const byName = new Map(named.map(([name, row]) => [lowerName(name), row]));
  const byPlainName = new Map(named.reverse().map(([name, row]) => [plainName(name), row]));
  return (name) => byName.get(lowerName(name)) ?? byPlainName.get(plainName(name));
}

/** The help line that says how it is called here. */
export function foreignHelp({ here = '', isMissing, note }: Foreign): string {
  if (isMissing) return note ?? 'there is no such thing here';
  // Of a chain the last stage has the name.
  const name = /^(?:.*\|> )?([a-z]\w*|"[\w-]+")(?:\(.*\)| \{.*\})?$/.exec(here)?.[1];
  const example = here === name ? '' : `, as in \`${here}\``;
  const said = name === undefined ? `here it is written \`${here}\`` : `here it is called \`${name}\`${example}`;
  return note === undefined ? said : `${said}; ${note}`;
}
