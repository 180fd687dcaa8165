/** `bind-parameters`: parameters become the constants that a weights file gives. */
import { shapesEqual } from '../ir/dim.ts';
import { isParameter, type ParameterAttrs } from '../ir/leaves.ts';
import type { Node } from '../ir/node.ts';
import { rewriteGraph } from '../ir/rewrite.ts';
import { formatType, type Tensor } from '../ir/type.ts';
import { constantNode } from './constants.ts';
import type { Pass } from './pass.ts';

export interface BindParametersOptions {
  /** Values by state_dict name; a parameter without one stays a parameter. */
  readonly parameters: ReadonlyMap<string, Tensor>;
}

const name = 'bind-parameters';

/** Throws a RangeError where the value has another type; readers of weights report that with a code before. */
function bind(node: Node<ParameterAttrs>, tensor: Tensor): Node {
  const fits = tensor.dtype === node.type.dtype && shapesEqual(tensor.shape, node.type.shape);
  if (fits) return constantNode(tensor, node.attrs.name, node.origin);
  const [given, wanted] = [tensor, node.type].map(formatType);
  throw new RangeError(`${node.attrs.name} is ${given} in the weights and ${wanted} in the model`);
}

export const bindParameters: Pass<BindParametersOptions> = {
  name,
  summary: 'replace parameters by their trained values',
  run: (graph, { parameters }) =>
    rewriteGraph(
      graph,
      (node) => {
        const tensor = isParameter(node) ? parameters.get(node.attrs.name) : undefined;
        return tensor && isParameter(node) ? bind(node, tensor) : undefined;
      },
      name,
    ),
};
