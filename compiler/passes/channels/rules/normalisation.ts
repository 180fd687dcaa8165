/** Channels of normalisations: parameters follow their channel, and what shares statistics goes or stays as a whole. */
import { makeNode } from '../../../ir/node.ts';
import { batchNorm, groupNorm, layerNorm, logSoftmax, softmax } from '../../../ops/index.ts';
import { countOf, keptSize, ruleOf, tieWithinGroups, type Entry } from '../rule.ts';

export const normalisation: readonly Entry[] = [
  ruleOf(batchNorm, {
    channels: (_, [x = [], ...parameters], ties) => {
      for (const parameter of parameters) ties.tie(x[1], parameter[0]);
      return x;
    },
  }),
  ruleOf(groupNorm, {
    channels: (node, [x = [], ...parameters], ties) => {
      const [batch, channels, ...planes] = x;
      for (const parameter of parameters) ties.tie(channels, parameter[0]);
      if (channels) tieWithinGroups(channels, channels.length / node.attrs.groups, ties);
      for (const axis of planes) ties.pin(axis);
      return [batch, channels, ...planes.map(() => undefined)];
    },
    rebuild: (node, inputs, kept) => {
      const perGroup = countOf(node, 1) / node.attrs.groups;
      const groups = Number(keptSize(node, 1, kept)) / perGroup;
      return makeNode(groupNorm, inputs, { ...node.attrs, groups }, node.origin);
    },
  }),
  ruleOf(layerNorm, {
    channels: (_, [x = [], gamma = [], beta = []], ties) => {
      const normalised = x.slice(x.length - gamma.length);
      for (const axis of [...normalised, ...gamma, ...beta]) ties.pin(axis);
      return [...x.slice(0, x.length - gamma.length), ...normalised.map(() => undefined)];
    },
  }),
  ...[softmax, logSoftmax].map((op) =>
    ruleOf(op, {
      channels: (node, [x = []], ties) => {
        ties.pin(x[node.attrs.axis]);
        return x.with(node.attrs.axis, undefined);
      },
    }),
  ),
];
