/** From what was found to what can be done about it: problems in words, with the commands that mend them. */
import { accessSync, constants, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DoctorReport, Fix } from './doctor-report.ts';

type Facts = Omit<DoctorReport, 'fixes'>;

/** The problems in order of weight. */
export function suggestFixes(facts: Facts): readonly Fix[] {
  return [
    ...nodeFixes(facts),
    ...bindingFixes(facts),
    ...driverFixes(facts),
    ...permissionFixes(facts),
    ...softwareFixes(facts),
  ];
}

function nodeFixes({ node }: Facts): readonly Fix[] {
  if (node.supported) return [];
  return [{ problem: `Node ${node.version} is older than 20.19`, commands: ['nvm install 20'] }];
}

function bindingFixes({ webgpu, platform }: Facts): readonly Fix[] {
  if (webgpu.version === undefined) return [{ problem: 'the package webgpu is missing', commands: ['npm install'] }];
  if (webgpu.fault === undefined) return [];
  const commands = ['npm install --force webgpu@0.6.2'];
  if (platform.startsWith('linux')) commands.push('sudo apt install libstdc++6');
  return [{ problem: webgpu.fault, commands }];
}

/** Problems of a Linux machine whose hardware no driver serves. */
function driverFixes({ vulkan, hardware, adapters, platform }: Facts): readonly Fix[] {
  if (!platform.startsWith('linux')) return [];
  const fixes: Fix[] = [];
  for (const { path, library, found } of vulkan.drivers) {
    if (found === false) {
      const missing = library === undefined ? 'is broken or missing' : `names ${library}, which does not exist`;
      fixes.push({ problem: `the driver file ${path} ${missing}`, commands: choiceCommands(vulkan.variables) });
    }
  }
  if (vulkan.drivers.length > 0 && vulkan.loader === undefined) {
    fixes.push({ problem: 'there is no Vulkan loader (libvulkan.so.1)', commands: ['sudo apt install libvulkan1'] });
  }
  if (adapters.some(({ info }) => !info.isSoftware)) return fixes;
  for (const vendor of new Set(hardware)) fixes.push(...hardwareFixes(vendor));
  if (hardware.length === 0) fixes.push(...deviceFileFixes());
  return fixes;
}

function choiceCommands(variables: Readonly<Record<string, string>>): readonly string[] {
  const chosen = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'].filter((name) => name in variables);
  return chosen.map((name) => `unset ${name}`);
}

function hardwareFixes(vendor: string): readonly Fix[] {
  if (vendor === 'NVIDIA') return [nvidiaFix];
  if (vendor !== 'AMD' && vendor !== 'Intel') return [];
  const problem = `there is ${vendor} graphics, but no Vulkan driver for it`;
  return [{ problem, commands: ['sudo apt install libvulkan1 mesa-vulkan-drivers'] }];
}

/** A container sees the device file, but only sometimes the bus. */
function deviceFileFixes(): readonly Fix[] {
  return existsSync('/dev/nvidiactl') ? [nvidiaFix] : [];
}

const nvidiaFix: Fix = {
  problem: 'there is an NVIDIA GPU, but no Vulkan driver for it; a container needs the graphics capability',
  commands: [
    'sudo apt install libvulkan1 nvidia-driver   # Debian; on Ubuntu: sudo ubuntu-drivers install',
    'docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES=compute,utility,graphics ...',
  ],
};

/** Render nodes belong to a group that users must be in. */
function permissionFixes({ platform }: Facts): readonly Fix[] {
  if (!platform.startsWith('linux') || !existsSync('/dev/dri')) return [];
  const nodes = readdirSync('/dev/dri').filter((name) => name.startsWith('renderD'));
  const closed = nodes.map((name) => join('/dev/dri', name)).filter((path) => !canUse(path));
  if (closed.length === 0) return [];
  const commands = ['sudo usermod -aG render,video "$USER"   # then log in again'];
  return [{ problem: `${closed.join(', ')} cannot be opened by this user`, commands }];
}

function canUse(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function softwareFixes({ software, adapters }: Facts): readonly Fix[] {
  const install = 'npm install --include=optional';
  if (software.state === 'not installed') {
    return [{ problem: 'the software adapter (@sparticuz/chromium) is not installed', commands: [install] }];
  }
  if (software.state === 'broken') {
    const problem = software.fault ?? 'the software adapter does not start';
    return [{ problem, commands: [software.koffi === undefined ? install : 'npm install --force'] }];
  }
  if (software.state === 'unsupported platform' && adapters.length === 0) {
    const commands = ['sudo apt install libvulkan1 mesa-vulkan-drivers'];
    return [{ problem: 'no adapter was found, and no software adapter is embedded for this platform', commands }];
  }
  return [];
}
