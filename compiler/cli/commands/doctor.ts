/** `cnnc doctor`: what there is to run models on, and how to mend what is missing. */
import type { AdapterReport, DoctorReport } from '../../../runtime/node/device/doctor-report.ts';
import { diagnoseEnvironment } from '../../../runtime/node/device/doctor.ts';
import type { Configure, Context } from '../command.ts';
import { exitCodes, type ExitCode } from '../../driver/failure.ts';
import type { Output } from '../output.ts';
import { formatBytes, formatInteger, formatTable } from '../../driver/text.ts';

export const configureDoctor: Configure = (command, act) => {
  command.addHelpText('after', '\nExit code 3 where no adapter can run models.').action(() => act(doctor));
};

async function doctor({ output }: Context): Promise<ExitCode> {
  const report = await diagnoseEnvironment();
  output.data(describe(report, output));
  output.event({ type: 'summary', ...report });
  return report.usable ? exitCodes.ok : exitCodes.environment;
}

function describe(report: DoctorReport, output: Output): string {
  const { node, platform, kernel, webgpu, vulkan, hardware, adapters, software, fixes } = report;
  const mark = (fine: boolean): string => (fine ? output.style('green', 'ok') : output.style('red', '--'));
  const variables = Object.entries(vulkan.variables).map(([name, value]) => `${name}=${value}`);
  const drivers = vulkan.drivers.map(
    ({ path, found }) => `${path}${found === false ? ' (its library is missing)' : ''}`,
  );
  const rows = [
    ['node', mark(node.supported), `${node.version} on ${platform}, kernel ${kernel}`],
    [
      'webgpu',
      mark(webgpu.version !== undefined && webgpu.fault === undefined),
      webgpu.fault ?? `Dawn's binding ${webgpu.version ?? 'is missing'}`,
    ],
    ['loader', mark(vulkan.loader !== undefined), vulkan.loader ?? 'no libvulkan.so.1 of the system'],
    ['drivers', mark(drivers.length > 0), drivers.join(', ') || 'none of the system'],
    ...(variables.length > 0 ? [['variables', '', variables.join(' ')]] : []),
    ['hardware', '', hardware.join(', ') || 'no display controller in sight'],
    ['software', mark(software.state === 'ready'), softwareLine(software)],
  ];
  // Colour codes would count as width, so the marks come last into the aligned table.
  const widths = Math.max(...rows.map(([name = '']) => name.length));
  const lines = rows.map(
    ([name = '', sign = '', text = '']) => `${name.padEnd(widths)}  ${sign === '' ? '  ' : sign}  ${text}`,
  );
  const found = [...adapters, ...(software.adapter ? [software.adapter] : [])];
  const parts = [lines.join('\n'), ...found.map((adapter) => describeAdapter(adapter, output))];
  for (const { problem, commands } of fixes) {
    parts.push(
      [
        `${output.style('red', 'problem')}: ${problem}`,
        ...commands.map((line) => `  ${output.style('cyan', line)}`),
      ].join('\n'),
    );
  }
  parts.push(report.usable ? 'cnnc can run models here' : 'cnnc cannot run models here; check, build and inspect work');
  return parts.join('\n\n');
}

function softwareLine({ state, package: packed, koffi, fault }: DoctorReport['software']): string {
  if (state === 'ready')
    return `embedded SwiftShader of @sparticuz/chromium ${packed ?? ''}, loaded with koffi ${koffi ?? ''}`;
  return fault === undefined ? state : `${state}: ${fault}`;
}

/** Limits in bytes; all others are counts. */
const isBytes = (name: string): boolean => /Size$|Alignment$/.test(name) && !/WorkgroupSize/.test(name);

function describeAdapter({ info, limits, features }: AdapterReport, output: Output): string {
  const title = info.description || info.device;
  const rows = [
    ['vendor', `${info.vendor} ${info.architecture}`.trim()],
    ['driver', `${info.driver.name} ${info.driver.version}`.trim()],
    ['profile', `${info.profile}${info.isSoftware ? ' (shaders run on the CPU)' : ''}`],
    ...Object.entries(limits).map(([name, value]) => [name, isBytes(name) ? formatBytes(value) : formatInteger(value)]),
    ['features', features.join(', ')],
  ];
  return `${output.style('bold', `adapter ${title}`)}\n${formatTable(rows).replaceAll(/^/gm, '  ')}`;
}
