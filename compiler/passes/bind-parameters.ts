/** `bind-parameters`: parameters become the constants that a weights file gives. */
import { isParameter } from '../ir/leaves.ts';
import type { Tensor } from '../ir/type.ts';
import { rewriteGraph } from '../ir/rewrite.ts';
import { constantNode } from './constants.ts';
import type { Pass } from './pass.ts';

export interface BindParametersOptions {
  /** Values by state_dict name; a parameter without one stays a parameter. */
  readonly parameters: ReadonlyMap<string, Tensor>;
}

const name = 'bind-parameters';

export const bindParameters: Pass<BindParametersOptions> = {
  name,
  summary: 'replace parameters by their trained values',
  run: (graph, { parameters }) =>
    rewriteGraph(
      graph,
      (node) => {
        const tensor = isParameter(node) ? parameters.get(node.attrs.name) : undefined;
        return tensor && isParameter(node) ? constantNode(tensor, node.attrs.name, node.origin) : undefined;
      },
      name,
    ),
};
