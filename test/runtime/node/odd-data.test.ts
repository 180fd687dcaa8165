/** What readers make of odd folders and files, and the tables that docs/data.md has of it. */
import { describe, expect, it } from 'vitest';
import { expectGenerated } from '../../generated-section.ts';
import { oddData } from './odd-data/index.ts';
import { outcomeOf } from './odd-data/odd-case.ts';

// Windows has no pipes, and links only for some.
describe.skipIf(process.platform === 'win32').each(oddData)('$reader', ({ reader, listed, others }) => {
  it.each([...listed, ...others])('$what', async (each) => {
    const { text, help } = await outcomeOf(each);
    expect(text).toMatch(each.becomes);
    if (each.help !== undefined) expect(help).toMatch(each.help);
  });

  it('has its table', async () => {
    const rows: string[][] = [];
    for (const each of listed) rows.push([each.what, (await outcomeOf(each)).text]);
    expectGenerated('docs/data.md', reader, [['what lies there', 'what becomes of it'], ...rows]);
  });
});
