/** Which name is suggested for a misspelt one, and when none is. */
import { expect, it } from 'vitest';
import { closestName, didYouMean } from '../../grammar/suggest.ts';

const names = [
  'model',
  'block',
  'conv',
  'conv_transpose',
  'relu',
  'relu6',
  'bn',
  'momentum',
  'epochs',
  'MobileNetV3Small',
];

it.each([
  ['modle', 'model'],
  ['mdel', 'model'],
  ['Model', 'model'],
  ['blokc', 'block'],
  ['covn', 'conv'],
  ['conv_transpsoe', 'conv_transpose'],
  ['rellu', 'relu'],
  ['relu66', 'relu6'],
  ['BN', 'bn'],
  ['momentun', 'momentum'],
  ['epoch', 'epochs'],
  ['MobilNetV3smal', 'MobileNetV3Small'],
])('%s is %s', (name, expected) => {
  expect(closestName(name, names)).toBe(expected);
});

it.each(['', 'x', 'linear', 'ab', 'modulator', 'zz', 'model'])('%j is like none of them', (name) => {
  expect(closestName(name, names)).toBeUndefined();
});

it('makes a sentence of it', () => {
  expect(didYouMean('modle', names)).toBe('did you mean `model`?');
  expect(didYouMean('linear', names)).toBeUndefined();
  expect(didYouMean('modle', [])).toBeUndefined();
});
