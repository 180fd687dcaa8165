/** The grammar as data and as EBNF, from the rules that the parser runs. */
import { CnnParser } from '../../../../grammar/parser.ts';
import { BinaryOperator, KeyName, PrefixOperator, Separator, vocabulary } from '../../../../grammar/tokens.ts';

export type Production =
  /** A rule, a kind of token, or a token as it is written. */
  | { readonly kind: 'rule' | 'token' | 'text'; readonly text: string }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly Production[] }
  | { readonly kind: 'optional' | 'many' | 'some'; readonly part: Production };

export interface Rule {
  readonly name: string;
  readonly body: Production;
}

/** What the parser generator gives: the parts that matter here. */
interface Serialized {
  readonly type: string;
  readonly name?: string;
  readonly label?: string;
  readonly definition?: readonly Serialized[];
}

/** Every rule in the order of the grammar's source, then the kinds of tokens that several rules name. */
export function grammarRules(): readonly Rule[] {
  const written: readonly Serialized[] = new CnnParser().getSerializedGastProductions();
  const rules = written.map(({ name = '', definition = [] }) => ({ name, body: sequence(definition) }));
  const kinds = [KeyName, BinaryOperator, PrefixOperator, Separator].map((category) => ({
    name: category.name,
    body: choice(
      vocabulary
        .filter(({ CATEGORIES: own }) => own?.includes(category))
        .map(({ name, LABEL: label = name }): Production => tokenOf(name, label)),
    ),
  }));
  return [...rules, ...kinds];
}

const tokenOf = (name: string, label: string): Production =>
  label === name ? { kind: 'token', text: name } : { kind: 'text', text: label };

function sequence(parts: readonly Serialized[]): Production {
  const [only, second] = parts.map(productionOf);
  return only && !second ? only : { kind: 'sequence', parts: parts.map(productionOf) };
}

const choice = (parts: readonly Production[]): Production => ({ kind: 'choice', parts });

function productionOf({ type, name = '', label = name, definition = [] }: Serialized): Production {
  switch (type) {
    case 'NonTerminal':
      return { kind: 'rule', text: name };
    case 'Terminal':
      return tokenOf(name, label);
    case 'Alternation':
      return choice(definition.map(productionOf));
    case 'Option':
      return { kind: 'optional', part: sequence(definition) };
    case 'Repetition':
      return { kind: 'many', part: sequence(definition) };
    case 'RepetitionMandatory':
      return { kind: 'some', part: sequence(definition) };
    default:
      return sequence(definition);
  }
}

const lineWidth = 110;

/** `name = body`, one rule a paragraph. */
export function ebnf(rules: readonly Rule[]): string {
  const width = Math.max(...rules.map(({ name }) => name.length));
  const indent = ' '.repeat(width + 3);
  const paragraphs = rules.map(({ name, body }) => {
    const lines: string[] = [];
    let line = `${name.padEnd(width)} =`;
    for (const word of textOf(body, false).split(' ')) {
      const isFull = line.length + 1 + word.length > lineWidth;
      if (isFull) lines.push(line);
      line = isFull ? `${indent}${word}` : `${line} ${word}`;
    }
    return [...lines, line].join('\n');
  });
  return paragraphs.join('\n');
}

function textOf(production: Production, isInside: boolean): string {
  switch (production.kind) {
    case 'rule':
    case 'token':
      return production.text;
    case 'text':
      return `"${production.text}"`;
    case 'sequence':
      return production.parts.map((part) => textOf(part, true)).join(' ');
    case 'choice': {
      const text = production.parts.map((part) => textOf(part, false)).join(' | ');
      return isInside ? `( ${text} )` : text;
    }
    case 'optional':
      return `[ ${textOf(production.part, false)} ]`;
    case 'many':
      return `{ ${textOf(production.part, false)} }`;
    case 'some':
      return `{ ${textOf(production.part, false)} }+`;
  }
}
